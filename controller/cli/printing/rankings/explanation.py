"""Why a backbone is where it is, on the terminal."""

from rich.console import Console
from rich.text import Text

from controller.cli.printing.folding import hanging, print_heading, print_indented
from controller.domain.rankings.explanations import Explanation, Explanations
from controller.views.reasons import sentences
from controller.views.reasons.explaining import lack_words, place_of, rival_words
from controller.views.reasons.limits import constraint_words
from controller.views.wording import candidate_name, latency_words, left_out_words, top1_figure


def print_explanations(console: Console, explanations: Explanations) -> None:
    """Print them one after the other, so that they stay readable from 80 columns on."""
    for at, explanation in enumerate(explanations.on_devices):
        if at:
            console.print()
        _print_explanation(console, explanation)


def _print_explanation(console: Console, explanation: Explanation) -> None:
    asked = constraint_words(explanation.constraints)
    under = f" ({asked})" if asked else ""
    candidate = explanation.candidate
    by = f", by {explanation.merit.value}" if candidate and candidate.rank_low else ""
    head = f"{explanation.backbone} on {explanation.device}{under}: {place_of(explanation)}{by}"
    console.print(Text(head, style="bold"))
    if candidate is not None:
        measured = candidate.measurement
        figures = f"{top1_figure(measured)}, {latency_words(measured)}"
        print_indented(console, hanging(Text(f"{candidate_name(measured)}: {figures}")))
        if candidate.lost_because:
            names = {
                r.measurement.measurement_id: r.measurement.backbone for r in explanation.rivals
            }
            print_indented(console, hanging(Text(sentences(candidate.lost_because, names))))
    _print_rivals(console, explanation)
    if explanation.lacks:
        print_heading(console, "What it would need, all else as it is")
    for lack in explanation.lacks:
        print_indented(console, hanging(Text(lack_words(lack, explanation.merit))))
    if explanation.left_out:
        print_heading(console, "Left out")
    for left in explanation.left_out:
        words = f"{candidate_name(left.measurement)}: {left_out_words(left)}"
        print_indented(console, hanging(Text(words)))


def _print_rivals(console: Console, explanation: Explanation) -> None:
    if not explanation.rivals:
        return
    told = len(explanation.rivals)
    count = f" (the first {told} of {explanation.rival_count})"
    print_heading(console, f"What beats it{count if told < explanation.rival_count else ''}")
    winner = explanation.winner
    for rival in explanation.rivals:
        is_winner = winner and winner.measurement_id == rival.measurement.measurement_id
        text = Text(candidate_name(rival.measurement))
        text.append(f" {latency_words(rival.measurement)}", style="dim")
        if is_winner:
            text.append(" winner", style="bold")
        text.append(f"\n{rival_words(rival)}")
        print_indented(console, hanging(text))
