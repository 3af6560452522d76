# What TensorBoard's own reader finds in a folder, as JSON, and what its HParams page shows. Usage: read_events.py FOLDER
import json
import sys
from types import SimpleNamespace

from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups, metadata

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


def hparams_page(folder):
    """A row for each run: hyperparameters and the metrics that judge it."""
    runs = EventMultiplexer().AddRunsFromDirectory(folder).Reload()
    backend = backend_context.Context(SimpleNamespace(data_provider=MultiplexerDataProvider(runs, folder)))
    request = api_pb2.ListSessionGroupsRequest(
        start_index=0,
        slice_size=100,
        allowed_statuses=[api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING],
    )
    groups = list_session_groups.Handler(RequestContext(), backend, "", request).run().session_groups
    return [
        {
            "hparams": {name: getattr(value, value.WhichOneof("kind")) for name, value in group.hparams.items()},
            "metrics": {value.name.tag: [value.training_step, value.value] for value in group.metric_values},
        }
        for group in groups
    ]


found["page"] = hparams_page(sys.argv[1])
json.dump(found, sys.stdout)
