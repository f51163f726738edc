"""The best setting of a backbone on the terminal, with all that was tried."""

from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from controller.cli.printing.folding import hanging, print_heading, print_indented
from controller.cli.printing.ledger import Column, Ledger
from controller.domain.cores import CoreChoice
from controller.domain.rankings.tuning import Fate, Setting, Trial, Tuning
from controller.views.counting import counted
from controller.views.reasons import sentences
from controller.views.reasons.limits import CRITERIA, limit_words
from controller.views.wording import latency_words, memory_words

_FATES = {
    Fate.RUNNING: "may be the fastest",
    Fate.BEST: "best",
    Fate.TIED: "ties with the best",
    Fate.LOST: "surely slower",
    Fate.BEYOND_LIMIT: "beyond a limit",
    Fate.FAILED: "no figure",
}


def round_words(number: int, trials: Iterable[Trial]) -> str:
    """Say what a round left, and what it stopped."""
    counts = Counter(
        trial.fate for trial in trials if trial.fate is Fate.RUNNING or trial.round_number == number
    )
    told = ", ".join(f"{counts[fate]} {_FATES[fate]}" for fate in Fate if counts[fate])
    return f"round {number}: {told or 'nothing has a figure'}"


def print_tuning(console: Console, tuning: Tuning) -> None:
    """Print the best setting, then each that was tried, where it was stopped and why."""
    limits = ", ".join(map(limit_words, tuning.limits))
    under = f" ({limits})" if limits else ""
    best = tuning.best
    head = f"Fastest setting of {tuning.backbone} on {tuning.device}{under}"
    found = "none" if best is None else setting_words(best.setting)
    console.print(Text(f"{head}: {found}", style="bold"))
    if best is not None and best.measurement is not None:
        figures = (latency_words(best.measurement), memory_words(best.measurement))
        print_indented(console, Text(", ".join(filter(None, figures))))
    tried = counted(len(tuning.trials), "setting")
    print_heading(console, f"Tried: {tried} in {counted(tuning.rounds, 'round')}")
    table = Ledger(
        "setting",
        Column("median [95 % interval]", is_right=True),
        Column("memory", is_right=True),
        Column("round", is_right=True),
    )
    for trial in tuning.trials:
        name = Text(setting_words(trial.setting))
        name.append(f"\n  {_fate_words(trial)}", style="dim")
        measured = trial.measurement
        latency = latency_words(measured) if measured and measured.latency else ""
        memory = memory_words(measured) if measured and measured.latency else ""
        table.add_row(name, latency, memory, str(trial.round_number))
    print_indented(console, table)
    failed = [trial for trial in tuning.trials if trial.reasons]
    if failed:
        print_heading(console, "Why there is no figure")
    for trial in failed:
        words = f"{setting_words(trial.setting)}: {sentences(trial.reasons)}"
        print_indented(console, hanging(Text(words)))


def setting_words(setting: Setting) -> str:
    """Name a setting: onnxruntime, 2 threads, fp32, cores big, no spinning."""
    words = [setting.runtime.value, counted(setting.threads, "thread"), setting.precision.value]
    if setting.cores.choice is not CoreChoice.ALL:
        words.append(f"{setting.cores.choice.value} cores")
    options = setting.onnxruntime
    if options is not None and not options.spinning:
        words.append("no spinning")
    if options is not None and options.delegates:
        words.append(options.execution_provider)
    return ", ".join(words)


def _fate_words(trial: Trial) -> str:
    broken = ", ".join(CRITERIA[each] for each in trial.broken)
    return f"{_FATES[trial.fate]}{f': {broken}' if broken else ''}"
