# What TensorBoard's own reader finds in a folder, as JSON. Usage: read_events.py FOLDER
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0})
events.Reload()
found = {"version": events.file_version, "scalars": {}, "images": {}}
for tag in events.Tags()["scalars"]:
    found["scalars"][tag] = [[e.step, e.value, e.wall_time] for e in events.Scalars(tag)]
for tag in events.Tags()["images"]:
    found["images"][tag] = [
        {"step": e.step, "width": e.width, "height": e.height, "png": e.encoded_image_string[:4] == b"\x89PNG"}
        for e in events.Images(tag)
    ]


def content(tag):
    try:
        return events.SummaryMetadata(tag).plugin_data.content
    except KeyError:
        return None


plugin = content(metadata.SESSION_START_INFO_TAG)
if plugin is not None:
    start = metadata.parse_session_start_info_plugin_data(plugin)
    found["hparams"] = {
        name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()
    }
    experiment = metadata.parse_experiment_plugin_data(content(metadata.EXPERIMENT_TAG))
    found["hparam_names"] = [info.name for info in experiment.hparam_infos]
    found["metrics"] = [info.name.tag for info in experiment.metric_infos]
plugin = content(metadata.SESSION_END_INFO_TAG)
if plugin is not None:
    found["status"] = metadata.parse_session_end_info_plugin_data(plugin).status
json.dump(found, sys.stdout)
