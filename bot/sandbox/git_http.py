"""git over HTTP: `git http-backend` as a child for each request, and the forge's own ideas of who may do what.

It never lets a push through that the account's role or a branch's protection forbids.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from typing import IO

from werkzeug.wrappers import Request, Response

from bot.sandbox.bare import git_environment
from bot.sandbox.forge import Forge
from bot.sandbox.pushes import follow_refs
from bot.sandbox.state import Repository, User

_PATH = re.compile(r"/(?P<path>[^/]+(?:/[^/]+)*/[^/]+?)(?:\.git)?/(?P<rest>info/refs|git-upload-pack|git-receive-pack)")
_REALMS = {"github": "GitHub", "gitlab": "GitLab"}
_TIMEOUT = 300
_IN_MEMORY = 1 << 20


def is_git(path: str) -> bool:
    """Whether this path belongs to git and not to the API."""
    return _PATH.fullmatch(path) is not None


def service_of(path: str) -> str:
    """What git asks for: `info/refs`, `git-upload-pack` or `git-receive-pack`."""
    match = _PATH.fullmatch(path)
    return match["rest"] if match else ""


def serve_git(forge: Forge, request: Request, asker: User | None) -> Response:
    """Answer a fetch or a push. Pushes happen one at a time, and everything that follows from them with them."""
    match = _PATH.fullmatch(request.path)
    repository = forge.find(match["path"]) if match else None
    if match is None or repository is None or forge.role_of(repository, asker) == "none":
        return challenge(forge) if asker is None else Response("Repository not found.", 404, content_type="text/plain")
    pushing = "git-receive-pack" in (match["rest"], request.args.get("service"))
    if pushing and asker is None:
        return challenge(forge)
    if pushing and not forge.may(repository, asker, "write"):
        text = f"Permission to {repository.path}.git denied to {asker.login if asker else 'nobody'}."
        return Response(text, 403, content_type="text/plain")
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as body:
        # Git sends large packs chunked: only werkzeug's own stream knows where they end.
        while chunk := request.stream.read(1 << 16):
            body.write(chunk)
        if asker is None or match["rest"] != "git-receive-pack":
            return _run_backend(forge, request, repository, (match["rest"], asker), body)
        with forge.changing():
            before = forge.bare(repository).refs()
            answer = _run_backend(forge, request, repository, (match["rest"], asker), body)
            follow_refs(forge, repository, before, asker.login)
            return answer


def challenge(forge: Forge, words: str = "Authentication required") -> Response:
    """Ask for a token, or for another one."""
    headers = {"WWW-Authenticate": f'Basic realm="{_REALMS[forge.face.kind]}"'}
    return Response(words, 401, headers, content_type="text/plain")


def _run_backend(
    forge: Forge, request: Request, repository: Repository, what: tuple[str, User | None], body: IO[bytes]
) -> Response:
    (rest, asker), size = what, body.tell()
    body.seek(0)
    login = asker.login if asker else ""
    protected = forge.face.forbidden_refs(forge, repository, asker)
    environment = git_environment({
        "GIT_PROJECT_ROOT": str(forge.bare(repository).path), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": f"/{rest}",
        "QUERY_STRING": request.query_string.decode("latin-1"), "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.content_type or "", "CONTENT_LENGTH": str(size),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""), "REMOTE_USER": login,
        "REMOTE_ADDR": request.remote_addr or "", "SANDBOX_PROTECTED": "\n".join(protected),
    })
    with tempfile.TemporaryFile() as stdin:
        stdin.write(body.read())
        stdin.seek(0)
        done = subprocess.run(
            ("git", "http-backend"), stdin=stdin, env=environment, capture_output=True, check=False, timeout=_TIMEOUT
        )
    return _read_cgi(done.stdout)


def _read_cgi(output: bytes) -> Response:
    head, _, body = output.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
    status = headers.pop("Status", "200 OK" if headers else "500 Internal Server Error")
    return Response(body, int(status.split()[0]), headers)
