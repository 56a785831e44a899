"""The contract suite is not a test module by name, so its assertions are announced to pytest here."""

import pytest

pytest.register_assert_rewrite("tests.forges.contract")
