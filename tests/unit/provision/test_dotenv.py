import stat

import pytest
from dotenv import dotenv_values

from ringbridge.provision.dotenv import remember
from ringbridge.provision.failures import NotProvided


def test_everything_else_stays(tmp_path):
    file = tmp_path / ".env"
    file.write_text("# Mine.\nA=1\nSHARED_SECRET=at-least-16-random-characters\n\nB='2 3'")
    file.chmod(0o644)
    remember(file, "SHARED_SECRET", "aB_-9")
    remember(file, "GREETING", 'It\'s me: "hello"')
    remember(file, "TWILIO_PHONE_NUMBER", "+15550100002")
    assert file.read_text().splitlines()[:5] == ["# Mine.", "A=1", "SHARED_SECRET=aB_-9", "", "B='2 3'"]
    assert "TWILIO_PHONE_NUMBER=+15550100002\n" in file.read_text()
    assert dotenv_values(file)["GREETING"] == 'It\'s me: "hello"'
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_new_one_is_its_owners_alone(tmp_path):
    remember(tmp_path / ".env", "GREETING", "")
    assert dotenv_values(tmp_path / ".env") == {"GREETING": ""}
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_a_link_stays_one(tmp_path):
    (tmp_path / "real").write_text("A=1\n")
    (tmp_path / ".env").symlink_to(tmp_path / "real")
    remember(tmp_path / ".env", "B", "2")
    assert (tmp_path / ".env").is_symlink()
    assert dotenv_values(tmp_path / "real") == {"A": "1", "B": "2"}


def test_one_that_can_not_be_written_is_told_without_the_value(tmp_path):
    with pytest.raises(NotProvided, match="set SHARED_SECRET yourself") as raised:
        remember(tmp_path / "gone" / ".env", "SHARED_SECRET", "do-not-tell")
    assert "do-not-tell" not in str(raised.value)
