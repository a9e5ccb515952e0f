"""Zips and folders: what they may hold, and that nothing outside them is ever read."""

import io
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.formats import FormatError, files, parse, parse_files
from prompts_app.engine.formats.files import Files, Folder, is_zip, matching, resolved, unzip


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("top secret")
    inside = tmp_path / "inside"
    (inside / "texts").mkdir(parents=True)
    (inside / "a.txt").write_text("A")
    (inside / "texts" / "b.txt").write_text("B")
    return inside


class TestZip:
    def test_its_files_are_read_by_their_paths(self) -> None:
        unpacked = unzip(zipped({"a/b.txt": b"x", "c.txt": b"y"}))
        assert unpacked.names() == ("a/b.txt", "c.txt")
        assert unpacked.read("a/b.txt") == b"x"
        assert unpacked.read("a") is None

    @pytest.mark.parametrize(
        "name",
        ["../out.txt", "/etc/passwd", "a/../../out.txt", "C:/x.txt", "..\\out.txt", "a//b", "./a", "~/x",
         "x" * 600, "tab\there"],
    )  # fmt: skip
    def test_a_path_that_leads_outside_is_left_out_and_named(self, name: str) -> None:
        unpacked = unzip(zipped({name: b"x", "ok.txt": b"y"}))
        assert unpacked.names() == ("ok.txt",)
        assert len(unpacked.left_out) == 1

    def test_a_symbolic_link_is_left_out_and_named(self) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            link = zipfile.ZipInfo("link.txt")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, "/etc/passwd")
            archive.writestr("ok.txt", "y")
        unpacked = unzip(buffer.getvalue())
        assert unpacked.names() == ("ok.txt",)
        assert unpacked.left_out[0].why == "It is a symbolic link."

    def test_what_tools_put_there_is_passed_over(self) -> None:
        names = ["__MACOSX/._a.txt", ".DS_Store", "node_modules/x/y.md", ".git/config", "a.txt"]
        assert unzip(zipped(dict.fromkeys(names, b"x"))).names() == ("a.txt",)

    def test_a_bomb_is_refused_before_it_fills_the_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bomb = zipped({"a.txt": b"0" * 3_000_000, "b.txt": b"0" * 3_000_000})
        monkeypatch.setattr(files, "MOST_BYTES_UNPACKED", 4 * 2**20)
        with pytest.raises(FormatError, match="more than 4 MB together"):
            unzip(bomb)

    def test_sizes_the_zip_claims_are_not_believed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        data = bytearray(zipped({"a.txt": b"0" * 3_000_000}))
        place = data.index(b"PK\x01\x02") + 24  # the unpacked size in the directory
        data[place : place + 4] = (10).to_bytes(4, "little")
        monkeypatch.setattr(files, "MOST_BYTES_UNPACKED", 2**20)
        try:
            held = unzip(bytes(data)).read("a.txt")
        except FormatError:
            held = b""
        assert len(held or b"") <= 2**20 + 1

    def test_too_many_files_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(files, "MOST_FILES", 2)
        with pytest.raises(FormatError, match="holds 3 files, and at most 2"):
            unzip(zipped({"a": b"", "b": b"", "c": b""}))

    def test_a_password_is_told(self) -> None:
        data = bytearray(zipped({"a.txt": b"x"}, zipfile.ZIP_STORED))
        for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            data[data.index(mark) + flags] |= 1
        with pytest.raises(FormatError, match="password"):
            unzip(bytes(data))

    @given(st.binary(max_size=300), st.integers(0, 120))
    def test_a_damaged_zip_is_an_error_in_words(self, noise: bytes, place: int) -> None:
        whole = zipped({"a.txt": b"some text", "b.txt": b"other text"})
        broken = whole[:place] + noise + whole[place + len(noise) :]
        for data in (broken, whole[: len(whole) - place], b"PK\x03\x04" + noise):
            try:
                unzip(data)
            except FormatError as error:
                assert str(error).endswith(".")  # noqa: PT017 both outcomes are fine

    def test_a_file_that_only_looks_like_one_by_its_name_is_none(self) -> None:
        assert not is_zip(b"act,prompt")


class TestFolder:
    def test_files_are_read_by_their_paths(self, folder: Path) -> None:
        found = Folder(folder)
        assert found.names() == ("a.txt", "texts/b.txt")
        assert found.read("texts/b.txt") == b"B"
        assert found.read("nothing.txt") is None
        assert found.read("texts") is None

    @pytest.mark.parametrize(
        "path", ["../secret.txt", "texts/../../secret.txt", "/etc/passwd", "a\0b", "x" * 5000]
    )
    def test_nothing_outside_is_read(self, folder: Path, path: str) -> None:
        assert Folder(folder).read(path) is None

    def test_hidden_files_and_those_of_tools_are_not_read(self, folder: Path) -> None:
        (folder / ".env").write_text("KEY=secret")
        assert Folder(folder).read(".env") is None
        assert Folder(folder).names() == ("a.txt", "texts/b.txt")

    def test_nor_through_a_link(self, folder: Path) -> None:
        (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
        (folder / "linked").symlink_to(folder.parent)
        found = Folder(folder)
        assert found.read("link.txt") is None
        assert found.read("linked/secret.txt") is None
        assert found.names() == ("a.txt", "texts/b.txt")

    def test_a_folder_that_is_reached_by_a_link_is_fine(self, folder: Path) -> None:
        (folder.parent / "way").symlink_to(folder)
        assert Folder(folder.parent / "way").read("a.txt") == b"A"

    def test_too_many_files_and_too_many_bytes_are_told(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "MOST_FILES", 1)
        with pytest.raises(FormatError, match="more than 1 files"):
            Folder(folder).names()
        monkeypatch.setattr(files, "MOST_BYTES_UNPACKED", 1)
        found = Folder(folder)
        found.read("a.txt")
        with pytest.raises(FormatError, match="together"):
            found.read("texts/b.txt")


class TestPaths:
    @pytest.mark.parametrize(
        ("folder", "path", "found"),
        [
            ("", "a.txt", "a.txt"), ("x/y", "a.txt", "x/y/a.txt"), ("x/y", "../a.txt", "x/a.txt"),
            ("x", "./b/../a.txt", "x/a.txt"), ("x", "../../a.txt", None), ("", "..", None), ("x", "..", None),
            ("", "/a.txt", None), ("", "C:/a.txt", None), ("", "~/a.txt", None), ("", "", None),
        ],
    )  # fmt: skip
    def test_a_path_stays_inside_or_is_none(self, folder: str, path: str, found: str | None) -> None:
        assert resolved(folder, path) == found

    @pytest.mark.parametrize(
        ("pattern", "found"),
        [
            ("*.txt", ("a.txt", "b.txt")),
            ("p/*.txt", ("p/c.txt",)),
            ("**/*.txt", ("a.txt", "b.txt", "p/c.txt", "p/q/d.txt")),
            ("p/**", ("p/c.txt", "p/q/d.txt")),
            ("[ab].txt", ("a.txt", "b.txt")),
            ("{a,p/c}.txt", ("a.txt", "p/c.txt")),
            ("?.md", ("e.md",)),
            ("../*.txt", ()),
            ("**/**/**/**/*", ()),
        ],
    )
    def test_patterns_are_read_as_shells_do(self, pattern: str, found: tuple[str, ...]) -> None:
        names = ("a.txt", "b.txt", "e.md", "p/c.txt", "p/q/d.txt")
        assert matching(Files(dict.fromkeys(names, b"")), "", pattern) == found


class TestManyFilesAtOnce:
    def test_each_kind_of_file_is_read_and_every_other_one_named(self) -> None:
        parsed = parse(
            "all.zip",
            zipped(
                {
                    "poet.md": b"# Poet\n\nWrite a poem about {{topic}}.",
                    "chat.json": b'[{"role": "user", "content": "Hello"}]',
                    "prompts/list.csv": b"act,prompt\nTutor,Teach me {subject}.\nEmpty,\n",
                    "README.md": b"# About",
                    "picture.png": b"PNG\x00",
                    "notes.yaml": b"a: 1",
                }
            ),
        )
        assert [prompt.title for prompt in parsed.prompts] == ["Chat", "Poet", "Tutor"]
        assert [prompt.where for prompt in parsed.prompts] == [
            "chat.json, the file", "poet.md", "prompts/list.csv, row 2 (line 2)",
        ]  # fmt: skip
        skipped = {skip.what: skip.why for skip in parsed.skipped}
        assert (
            skipped["README.md"]
            == skipped["notes.yaml"]
            == "It is none of the kinds of file that hold prompts."
        )
        assert "NUL character" in skipped["picture.png"]
        assert skipped["prompts/list.csv, row 3 (line 3)"] == "The prompt is empty."

    def test_what_a_configuration_names_is_part_of_it_and_its_documents_are_left_alone(self) -> None:
        parsed = parse_files(
            Files(
                {
                    "eval/promptfooconfig.yaml": b"prompts: [file://chat.json]\nproviders: [echo]",
                    "eval/chat.json": b'[{"role": "user", "content": "Hello"}]',
                    "eval/docs/policy.md": b"# A policy",
                    "eval/other.json": b'[{"role": "user", "content": "Not named"}]',
                    "elsewhere/poet.md": b"# Poet\n\nWrite.",
                }
            )
        )
        assert [prompt.where.partition(",")[0] for prompt in parsed.prompts] == [
            "eval/promptfooconfig.yaml", "elsewhere/poet.md", "eval/other.json",
        ]  # fmt: skip
        assert [(skip.what, skip.why) for skip in parsed.skipped] == [
            ("eval/docs/policy.md", "The promptfoo configuration beside it does not name it.")
        ]

    def test_a_broken_file_does_not_keep_the_others_out(self) -> None:
        parsed = parse_files(Files({"promptfooconfig.yaml": b"prompts: [", "p.prompty": b"user:\nHello"}))
        assert [prompt.title for prompt in parsed.prompts] == ["P"]
        assert "not valid YAML" in parsed.skipped[0].why

    def test_nothing_that_can_be_read_is_an_error_with_a_reason(self) -> None:
        with pytest.raises(FormatError, match=r"no file in it that holds a prompt\. notes\.yaml"):
            parse_files(Files({"notes.yaml": b"a: 1"}))
        with pytest.raises(FormatError, match="no file in it that holds a prompt"):
            parse("empty.zip", zipped({}))
