"""Words of a text as the search knows them.

Chinese is cut into segments and, beside them, into bigrams, so that nothing is missed that the dictionary cuts
otherwise; Latin words are lower-case, with their stem. Headings have their sound too: ``=kong.qi`` for two syllables
that follow each other, ``~kqz`` for the initials of two or three characters.
"""

from __future__ import annotations

import functools
import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import rjieba
import snowballstemmer
from pypinyin import lazy_pinyin

TEXT_LIMIT = 20_000
SOUND_LIMIT = 2_000
"""So many characters of a heading have their sound."""
WORD_LENGTH = 60
_RUNS = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+|[^\W_]+", re.UNICODE)
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
DATA = Path(__file__).parent.parent / "data"
_SYLLABLE = re.compile(
    "zhuang|chuang|shuang|zhang|zheng|zhong|zhuai|zhuan|chang|cheng|chong|chuai|chuan|shang|sheng|shuai|shuan|jiang|"
    "jiong|qiang|qiong|xiang|xiong|liang|niang|guang|kuang|huang|zhai|zhan|zhao|zhen|zhou|zhua|zhui|zhun|zhuo|chai|"
    "chan|chao|chen|chou|chua|chui|chun|chuo|shai|shan|shao|shei|shen|shou|shua|shui|shun|shuo|bang|beng|bian|biao|"
    "bing|pang|peng|pian|piao|ping|mang|meng|mian|miao|ming|fang|feng|dang|deng|dian|diao|ding|dong|duan|tang|teng|"
    "tian|tiao|ting|tong|tuan|nang|neng|nian|niao|ning|nong|nuan|lang|leng|lian|liao|ling|long|luan|gang|geng|gong|"
    "guai|guan|kang|keng|kong|kuai|kuan|hang|heng|hong|huai|huan|jian|jiao|jing|juan|qian|qiao|qing|quan|xian|xiao|"
    "xing|xuan|rang|reng|rong|ruan|zang|zeng|zong|zuan|cang|ceng|cong|cuan|sang|seng|song|suan|yang|ying|yong|yuan|"
    "wang|weng|zha|zhe|zhi|zhu|cha|che|chi|chu|sha|she|shi|shu|bai|ban|bao|bei|ben|bie|bin|pai|pan|pao|pei|pen|pie|"
    "pin|pou|mai|man|mao|mei|men|mie|min|miu|mou|fan|fei|fen|fou|dai|dan|dao|dei|den|die|diu|dou|dui|dun|duo|tai|tan|"
    "tao|tie|tou|tui|tun|tuo|nai|nan|nao|nei|nen|nie|nin|niu|nou|nuo|nve|lai|lan|lao|lei|lia|lie|lin|liu|lou|lun|luo|"
    "lve|gai|gan|gao|gei|gen|gou|gua|gui|gun|guo|kai|kan|kao|ken|kou|kua|kui|kun|kuo|hai|han|hao|hei|hen|hou|hua|hui|"
    "hun|huo|jia|jie|jin|jiu|jue|jun|qia|qie|qin|qiu|que|qun|xia|xie|xin|xiu|xue|xun|ran|rao|ren|rou|rui|run|ruo|zai|"
    "zan|zao|zei|zen|zou|zui|zun|zuo|cai|can|cao|cen|cou|cui|cun|cuo|sai|san|sao|sen|sou|sui|sun|suo|yan|yao|yin|you|"
    "yue|yun|wai|wan|wei|wen|ang|ba|bi|bo|bu|pa|pi|po|pu|ma|me|mi|mo|mu|fa|fo|fu|da|de|di|du|ta|te|ti|tu|na|ne|ni|nu|"
    "nv|la|le|li|lu|lv|ga|ge|gu|ka|ke|ku|ha|he|hu|ji|ju|qi|qu|xi|xu|re|ri|ru|za|ze|zi|zu|ca|ce|ci|cu|sa|se|si|su|ya|"
    "ye|yi|yu|wa|wo|wu|ai|an|ao|ei|en|er|ou|a|e|o"
)


@functools.cache
def _government_terms() -> tuple[str, ...]:
    """Terms that the general dictionary cuts apart; found whole in a text they become a word as well.

    In the order of the file: the places of words in the index must not differ from one process to the next.
    """
    return tuple(dict.fromkeys((DATA / "terms.txt").read_text(encoding="utf-8").split()))


_of_thread = threading.local()
"""A stemmer keeps the word that it works on, so each thread has its own."""


def normal(text: str) -> str:
    """Text without what PostgreSQL and people cannot tell apart: width, case, NUL and broken surrogates."""
    text = text.encode("utf-8", "ignore").decode("utf-8").replace("\x00", " ")
    return unicodedata.normalize("NFKC", text).lower()


def runs_of(text: str) -> Iterator[tuple[str, bool]]:
    """Runs of Chinese characters (True) and of other letters and digits (False) of a normal text, in order."""
    for run in _RUNS.findall(text):
        yield run, bool(_CJK.match(run))


def bigrams(run: str) -> list[str]:
    """The overlapping pairs of characters of a run; the run itself when it has one."""
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


def stem(word: str) -> str:
    """The stem of an English word."""
    if not hasattr(_of_thread, "stemmer"):
        _of_thread.stemmer = snowballstemmer.stemmer("english")
    return str(_of_thread.stemmer.stemWord(word))


def words(text: str) -> list[str]:
    """The words of a text to be indexed, in order and with repeats: segments, bigrams, terms, Latin words, stems."""
    found: list[str] = []
    for run, is_chinese in runs_of(normal(text[:TEXT_LIMIT])):
        if not is_chinese:
            word = run[:WORD_LENGTH]
            found.append(word)
            if word.isascii() and word.isalpha() and (root := stem(word)) != word:
                found.append(root)
            continue
        found += [word for word in rjieba.cut(run) if len(word) > 1]
        found += bigrams(run)
        found += [term for term in _government_terms() if term in run]
    return found


def heading_words(text: str) -> list[str]:
    """The words of a heading: as of any text, and how its Chinese sounds."""
    found = words(text)
    for run, is_chinese in runs_of(normal(text[:SOUND_LIMIT])):
        if is_chinese:
            found += sounds(lazy_pinyin(run))
    return found


def sound_pairs(syllables: Sequence[str]) -> list[str]:
    """What the search keeps of each two syllables that follow each other."""
    return [f"={a}.{b}" for a, b in pairwise(syllables)]


def sounds(syllables: list[str]) -> list[str]:
    """What the search keeps of syllables that follow each other: pairs of them, and initials of two and three."""
    initials = "".join(syllable[:1] for syllable in syllables)
    return [
        *sound_pairs(syllables),
        *(f"~{initials[n : n + size]}" for size in (2, 3) for n in range(len(initials) - size + 1)),
    ]


@functools.lru_cache(maxsize=4_096)
def syllables_of(word: str) -> tuple[str, ...]:
    """The syllables of a word written in pinyin; empty when it is none. The longest are tried first."""
    if not word:
        return ()
    for size in range(min(6, len(word)), 0, -1):
        head, rest = word[:size], word[size:]
        if _SYLLABLE.fullmatch(head):
            if not rest:
                return (head,)
            if found := syllables_of(rest):
                return (head, *found)
    return ()
