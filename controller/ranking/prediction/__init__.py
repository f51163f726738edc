"""Predictions of what was not measured, and what is best measured first.

Pure: figures in, predictions out, the same every time; a fit takes tenths of a second to a
few seconds of one thread, so it is asked of in a thread and never in the controller's loop.

- `first_backbones(features, count)`: before anything ran, which backbones tell most.
- `predicted_logs(question)`: what candidates would be measured at, from the figures so far, as
  logarithms: the median, an interval that holds `question.confidence` of what will be measured, and
  a standard deviation. This is a prior for what decides by comparing candidates:

      question = PredictionQuestion(
          known=[KnownFigure(backbone="MobileNetV1", value=latency_ns, spread=0.01), ...],
          wanted=["MobileNetV2", ...],
          features=evidence.features,     # `evidence.gather`, or `evidence.features_by_name`
          elsewhere=[Elsewhere(setting="phone, onnxruntime, 1", values={"MobileNetV2": ...}), ...],
      )
      for backbone, told in predicted_logs(question).items():
          told.median, told.low, told.high, told.deviation    # of log(latency_ns)

  Values are in any one unit above 0; the logarithms are natural ones of that unit. Candidates that
  are missing in the answer cannot be told: fewer than `LEAST_MEASURED` figures are known, or they
  are unlike all that is. Known ones are never in it. Intervals are for one candidate at a time: of
  100 with a confidence of 0.9 about ten are outside.
- `predict(question)`: the same in the unit of the known figures, with what it rests on and how far
  off it is.
- `fit(question)`: what both learn, once for any confidence and any part of the wanted; keep it
  while the figures stay as they are. It holds a few numbers for each network.

Several threads may ask at once: the limit of linear algebra to one thread is shared.
"""

from controller.ranking.prediction.choosing import first_backbones
from controller.ranking.prediction.predicting import Fitted, fit, predict, predicted_logs

__all__ = ["Fitted", "first_backbones", "fit", "predict", "predicted_logs"]
