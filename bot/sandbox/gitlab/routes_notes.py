"""The API's notes on merge requests and issues, their awards, and discussions.

It never changes the state by itself: `issues` does.
"""

from __future__ import annotations

from bot.sandbox.exchanges import Json, Reply
from bot.sandbox.gitlab.calls import Call, Denial, Route, forbidden, missing
from bot.sandbox.gitlab.routes_requests import scene_of
from bot.sandbox.gitlab.shapes import discussion_id, show_award, show_note
from bot.sandbox.issues import add_comment, add_reaction, delete_comment, edit_comment
from bot.sandbox.state import Comment

_LONGEST_NOTE = 1_000_000
_ACTIVITY = {False: "only_comments", True: "only_activity"}


def list_notes(call: Call) -> Reply:
    """The newest first, unless it is asked otherwise; system notes among them."""
    order = call.choice("order_by", "created_at", "updated_at")
    newest_first = call.choice("sort", "desc", "asc") == "desc"
    activity = call.choice("activity_filter", "all_notes", "only_comments", "only_activity")
    wanted = [note for note in _visible(call) if activity in {"all_notes", _ACTIVITY[note.system]}]
    notes = sorted(wanted, key=lambda note: (getattr(note, order), note.id), reverse=newest_first)
    return call.pages(notes, lambda note: show_note(call.site, call.repository, call.issue, note))


def create_note(call: Call) -> Reply:
    internal = call.flag("internal") or call.flag("confidential") or False
    if internal and not call.forge.may(call.repository, call.asker, "triage"):
        raise forbidden()
    note = add_comment(scene_of(call), _body(call), internal=internal)
    return Reply(201, show_note(call.site, call.repository, call.issue, note))


def read_note(call: Call) -> Reply:
    return Reply(200, show_note(call.site, call.repository, call.issue, _find(call)))


def edit_note(call: Call) -> Reply:
    note = _find_own(call)
    edit_comment(scene_of(call), note, _body(call))
    return Reply(200, show_note(call.site, call.repository, call.issue, note))


def drop_note(call: Call) -> Reply:
    delete_comment(scene_of(call), _find_own(call))
    return Reply(204)


def list_awards(call: Call) -> Reply:
    note = _find(call)
    return call.pages(note.reactions, lambda award: show_award(call.site, note, award))


def give_award(call: Call) -> Reply:
    note = _find(call)
    award, new = add_reaction(call.forge, note, call.needed("name"), call.actor)
    if not new:
        raise missing("Award Emoji Name has already been taken")
    note.updated_at = call.forge.now()  # GitLab does not tell this from an edit
    return Reply(201, show_award(call.site, note, award))


def take_award(call: Call) -> Reply:
    note, number = _find(call), call.id("award_id")
    award = next((known for known in note.reactions if known.id == number), None)
    if award is None:
        raise missing("Award Emoji")
    if award.user != call.actor:
        raise forbidden()
    note.reactions.remove(award)
    return Reply(204)


def list_discussions(call: Call) -> Reply:
    threads: dict[str, list[Comment]] = {}
    for note in _visible(call):
        threads.setdefault(discussion_id(note), []).append(note)
    return call.pages(list(threads.values()), lambda notes: _show_discussion(call, notes))


def create_discussion(call: Call) -> Reply:
    note = add_comment(scene_of(call), _body(call))
    note.thread = note.id
    return Reply(201, _show_discussion(call, [note]))


def _show_discussion(call: Call, notes: list[Comment]) -> Json:
    shown = [show_note(call.site, call.repository, call.issue, note) for note in notes]
    return {"id": discussion_id(notes[0]), "individual_note": not notes[0].thread, "notes": shown}


def _body(call: Call) -> str:
    body = call.needed("body")
    if not body.strip():
        raise Denial(400, {"note": ["can't be blank"]})
    if len(body) > _LONGEST_NOTE:
        raise Denial(400, {"note": [f"is too long (maximum is {_LONGEST_NOTE} characters)"]})
    return body


def _visible(call: Call) -> list[Comment]:
    trusted = call.forge.may(call.repository, call.asker, "triage")
    return [note for note in call.issue.comments if trusted or not note.internal]


def _find(call: Call) -> Comment:
    number = call.id("note_id")
    note = next((known for known in _visible(call) if known.id == number), None)
    if note is None:
        raise missing()
    return note


def _find_own(call: Call) -> Comment:
    note = _find(call)
    if note.system or (note.user != call.actor and not call.forge.may(call.repository, call.asker, "maintain")):
        raise forbidden()
    return note


_PLACES = ("/projects/{id}/merge_requests/{merge_request_iid}", "/projects/{id}/issues/{issue_iid}")
ROUTES = tuple(
    route
    for place in _PLACES
    for route in (
        Route("GET", f"{place}/notes", list_notes),
        Route("POST", f"{place}/notes", create_note),
        Route("GET", f"{place}/notes/{{note_id}}", read_note),
        Route("PUT", f"{place}/notes/{{note_id}}", edit_note),
        Route("DELETE", f"{place}/notes/{{note_id}}", drop_note),
        Route("GET", f"{place}/notes/{{note_id}}/award_emoji", list_awards),
        Route("POST", f"{place}/notes/{{note_id}}/award_emoji", give_award),
        Route("DELETE", f"{place}/notes/{{note_id}}/award_emoji/{{award_id}}", take_award),
        Route("GET", f"{place}/discussions", list_discussions),
        Route("POST", f"{place}/discussions", create_discussion),
    )
)
