"""sbatch's command line and `#SBATCH` lines, as far as Shifter's options must be told from others.

Pure functions: words in, words and Shifter's options out.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

OURS = ("image", "volume", "module")
# Options that never take the next word: they have no value, or one only after '='.
ALONE = frozenset(
    [
        "contiguous",
        "exclusive",
        "get-user-env",
        "help",
        "hold",
        "ignore-pbs",
        "no-kill",
        "no-requeue",
        "nice",
        "overcommit",
        "oversubscribe",
        "parsable",
        "propagate",
        "quiet",
        "reboot",
        "requeue",
        "share",
        "spread-job",
        "test-only",
        "usage",
        "use-min-nodes",
        "verbose",
        "version",
        "wait",
    ]
)
LETTERS_ALONE = frozenset("hHIkOQsvVW")


@dataclass
class SplitOptions:
    """Shifter's options, the other options, and the script with its arguments."""

    shifter: dict[str, str] = field(default_factory=dict)
    options: list[str] = field(default_factory=list)
    script: list[str] = field(default_factory=list)


def split_options(words: Sequence[str]) -> SplitOptions:
    """Take Shifter's options out of a command line; a repeated one: the LAST wins (contract 8)."""
    result = SplitOptions()
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] not in ("-", "--"):
        word = rest.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if word.startswith("--") and name in OURS and (equals or rest):
            result.shifter[name] = value if equals else rest.pop(0)
            continue
        result.options.append(word)
        if _takes_next_word(word) and rest:
            result.options.append(rest.pop(0))
    result.script = rest
    return result


def _takes_next_word(word: str) -> bool:
    if word.startswith("--"):
        return "=" not in word and word[2:] not in ALONE
    # `-n 4` takes one, `-n4` has it; `-Hn 4`: letters without values can be bundled before it.
    for position, letter in enumerate(word[1:], start=1):
        if letter not in LETTERS_ALONE:
            return position == len(word) - 1
        if letter == "k":
            return False
    return False


def split_script(text: str) -> tuple[dict[str, str], str]:
    """Take Shifter's options out of the `#SBATCH` lines; the real sbatch would not know them."""
    found: dict[str, str] = {}
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.strip() and not line.startswith("#"):
            # Slurm stops at the first line that is neither comment nor blank.
            break
        if not line.startswith("#SBATCH"):
            continue
        split = split_options(_directive_words(line))
        if split.shifter:
            found.update(split.shifter)
            lines[number] = _without_ours(line, split)
    return found, "".join(lines)


def _directive_words(line: str) -> list[str]:
    try:
        return shlex.split(line.removeprefix("#SBATCH"), comments=True)
    except ValueError:
        return []


def _without_ours(line: str, split: SplitOptions) -> str:
    if not split.options:
        # Kept as a comment, so that the job's script still shows what was asked for.
        return f"#{line}"
    return f"#SBATCH {shlex.join(split.options)}\n"
