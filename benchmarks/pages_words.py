"""Words by Zipf, as prompts have them: a few in nearly every text, most in hardly any, some in scripts
that know no spaces. Nothing is read from anywhere."""

import random
from itertools import accumulate

COMMON = """
    you the and a to of as will my act want i is in for that with on your be not provide should text any
    first write reply explanations do only or are it this from me answer need request user example
    create code words questions about if language information please one can response give use
    data list each content output following task expert details input format role help style steps
    json table model prompt system sentence topic describe review analysis x n k t
""".split()
SYLLABLES = """
    ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo za bre cla dri flo gru ster tion ment lin dor
    per con sel ant ing ver mal tor
""".split()
ASIAN = (
    "翻译 总结 代码 你是 专家 用户 请用 中文 回答 表格 要約 日本語 文章 説明 번역 요약 사용자 질문".split()
)
TAGS = 200


def made_up(number: int) -> str:
    """A word that no other number gives."""
    word = ""
    number += len(SYLLABLES) ** 2  # at least three syllables
    while number:
        number, place = divmod(number, len(SYLLABLES))
        word += SYLLABLES[place]
    return word


class Words:
    """Texts of a site of so many prompts. Every fifth prompt has a word that about four prompts have."""

    def __init__(self, prompts: int, chance: random.Random) -> None:
        self._chance = chance
        self._rare = max(10, prompts // 20)  # how many rare words there are
        self._words = COMMON + [made_up(n) for n in range(8_000)]
        self._weights = list(accumulate(1 / (rank + 2.7) for rank in range(len(self._words))))
        self._tags = [made_up(20_000 + n) for n in range(TAGS)]
        self._tag_weights = list(accumulate(1 / (rank + 2) for rank in range(TAGS)))

    def _some(self, least: int, most: int) -> list[str]:
        count = self._chance.randint(least, most)
        return self._chance.choices(self._words, cum_weights=self._weights, k=count)

    def title(self, *, latin: bool = False) -> str:
        words = self._some(2, 5)
        if not latin and self._chance.random() < 0.03:
            words = self._chance.choices(ASIAN, k=3)
        return " ".join(words).capitalize()

    def summary(self, *, latin: bool = False) -> str:
        return " ".join(self._some(6, 14)).capitalize() + "."

    def text(self, *, latin: bool = False) -> str:
        words = self._some(40, 110)
        if self._chance.random() < 0.2:
            words.append(self._rare_word(self._chance.randrange(self._rare)))
        if not latin and self._chance.random() < 0.05:
            words += self._chance.choices(ASIAN, k=12)
        return " ".join(words)

    def tags(self) -> list[str]:
        return self._chance.choices(self._tags, cum_weights=self._tag_weights, k=3)

    @staticmethod
    def _rare_word(number: int) -> str:
        return made_up(1_000_000 + number)

    def rare_ones(self, count: int) -> list[str]:
        return [self._rare_word(n) for n in range(min(count, self._rare))]

    @staticmethod
    def common_ones(count: int) -> list[str]:
        """Of the words that the search does not leave out, the most frequent."""
        return ["you", "will", "want", "act", "provide", "my", "should", "text"][:count]
