"""What an assistant asks by `edgerank mcp`, in the protocol's own words."""

import json
import sys
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from controller.cli.operating.mcp import without_empty
from tests.integration.web.conftest import Lab
from tests.processes import EDGERANK, edgerank


async def _asked(lab: Lab, *calls: tuple[str, dict[str, Any]]) -> tuple[set[str], list[Any]]:
    """The tools that there are, and what each call gives."""
    command, *arguments = (*EDGERANK, "mcp", "--controller", lab.address)
    assert command == sys.executable
    async with (
        stdio_client(StdioServerParameters(command=command, args=arguments)) as streams,
        ClientSession(*streams) as session,
    ):
        await session.initialize()
        tools = {each.name for each in (await session.list_tools()).tools}
        return tools, [await session.call_tool(name, arguments) for name, arguments in calls]


@pytest.mark.asyncio
async def test_an_assistant_reads_what_the_command_line_prints(lab: Lab) -> None:
    tools, (devices, best, unknown, why, short, fastest, fleet) = await _asked(
        lab,
        ("devices", {}),
        ("best", {"device": "phone", "max_latency_ms": 1_000}),
        ("best", {"device": "watch"}),
        ("why", {"backbone": "MobileNetV1"}),
        ("measurements", {"most": 2}),
        ("best", {"device": "phone", "by": "latency", "runtime": "onnxruntime", "threads": 1}),
        ("best_for_fleet", {"devices": ["phone", "board"], "shares": {"phone": 3}}),
    )
    assert tools == {
        "devices",
        "backbones",
        "best",
        "best_for_fleet",
        "why",
        "predict",
        "compare",
        "sweeps",
        "measurements",
    }
    assert [each["name"] for each in json.loads(devices.content[0].text)["devices"]] == [
        "board",
        "phone",
    ]
    asked = ("best", "--device", "phone", "--max-latency", "1s", "--json")
    printed = json.loads(edgerank(*asked, address=lab.address).stdout)
    assert json.loads(best.content[0].text) == without_empty(printed)
    assert best.structured_content is None
    explained = edgerank("why", "MobileNetV1", "--json", address=lab.address).stdout
    assert json.loads(why.content[0].text) == without_empty(json.loads(explained))
    setting = ("--by", "latency", "--runtime", "onnxruntime", "--threads", "1", "--json")
    printed = json.loads(
        edgerank("best", "--device", "phone", *setting, address=lab.address).stdout
    )
    assert json.loads(fastest.content[0].text) == without_empty(printed)
    shares = {each["device"]: each["share"] for each in json.loads(fleet.content[0].text)["places"]}
    assert shares == {"phone": 0.75, "board": 0.25}
    told = json.loads(short.content[0].text)
    assert (len(told["measurements"]), told["cut"]) == (2, {"measurements": 3})
    assert unknown.is_error
    assert "watch" in unknown.content[0].text
