"""What each call needs of who makes it, and which calls change something: the one table of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from controller.api.limits import Load
from controller.domain.access import Caller, CallerKind, Scope
from controller.domain.errors import EdgerankError, ErrorCode


class Who(Enum):
    """Who may make a call, where no scope says it."""

    ANYONE = "anyone"
    """Also strangers: it tells nothing, or asks for proof itself."""
    MEMBER = "member"
    """A device of the fleet."""


@dataclass(frozen=True)
class Need:
    """What a call needs.

    Attributes:
        of_caller: a scope, or who the caller has to be.
        subject: where the call says what it changes: the way to a field of its "request" or
            "response"; None for a call that changes nothing.
        when: the way, as of `subject`, to what is empty where a call changes nothing, since it
            follows what goes on already; None where each call changes something.
        load: what it costs for as long as it goes on.
        is_once: whether what it changes is changed once, however often the call is made: what is
            changed is an id that it gave.
    """

    of_caller: Scope | Who
    subject: str | None = None
    load: Load = Load.MOMENT
    when: str | None = None
    is_once: bool = False


_READ = Need(Scope.READ)
_COMPUTE = Need(Scope.READ, load=Load.COMPUTING)


def _operate(subject: str, load: Load = Load.MOMENT) -> Need:
    return Need(Scope.OPERATE, subject, load)


def _start(load: Load) -> Need:
    return Need(Scope.OPERATE, "response.sweep_id", load, is_once=True)


def _admin(subject: str) -> Need:
    return Need(Scope.ADMIN, subject)


NEEDS: Final[Mapping[str, Need]] = {
    "/edgerank.v1.Fleet/Connect": Need(Who.MEMBER, load=Load.SESSION),
    "/edgerank.v1.Fleet/FetchArtifact": Need(Who.MEMBER, load=Load.DOWNLOAD),
    "/edgerank.v1.Joining/Join": Need(Who.ANYONE, "response.membership.device_id"),
    "/edgerank.v1.Joining/Renew": Need(Who.MEMBER),
    "/edgerank.v1.Joining/CheckCertificate": Need(Who.ANYONE),
    "/edgerank.v1.Query/ListDevices": _READ,
    "/edgerank.v1.Query/WatchDevices": Need(Scope.READ, load=Load.FOLLOWING),
    "/edgerank.v1.Query/ListDeviceEvents": _READ,
    "/edgerank.v1.Query/RenameDevice": _operate("request.device"),
    "/edgerank.v1.Query/MarkDevice": _operate("request.device"),
    "/edgerank.v1.Query/ReplaceDevice": _operate("request.device"),
    "/edgerank.v1.Query/DrainDevice": _operate("request.device"),
    "/edgerank.v1.Query/RestDevice": _operate("request.device"),
    "/edgerank.v1.Query/WakeDevice": _operate("request.device"),
    "/edgerank.v1.Query/RemoveDevice": _admin("request.device"),
    "/edgerank.v1.Query/PlanSweep": _COMPUTE,
    "/edgerank.v1.Query/StartSweep": _start(Load.COMPUTING),
    "/edgerank.v1.Query/ListSweeps": _READ,
    "/edgerank.v1.Query/WatchSweep": Need(Scope.READ, load=Load.FOLLOWING),
    "/edgerank.v1.Query/CancelSweep": _operate("request.sweep_id"),
    "/edgerank.v1.Query/PauseSweep": _operate("response.sweep_id"),
    "/edgerank.v1.Query/ResumeSweep": _operate("response.sweep_id"),
    "/edgerank.v1.Query/EditSweep": _operate("response.sweep_id"),
    "/edgerank.v1.Query/RetrySweep": _start(Load.COMPUTING),
    "/edgerank.v1.Query/Convert": _operate("request.backbones", Load.FOLLOWING),
    "/edgerank.v1.Query/Profile": Need(
        Scope.OPERATE,
        "response.progress.profile_id",
        Load.FOLLOWING,
        when="request.spec.backbone",
        is_once=True,
    ),
    "/edgerank.v1.Query/Rank": _COMPUTE,
    "/edgerank.v1.Query/PageRanking": _COMPUTE,
    "/edgerank.v1.Query/RankFleet": _COMPUTE,
    "/edgerank.v1.Query/Predict": _COMPUTE,
    "/edgerank.v1.Query/Explain": _COMPUTE,
    "/edgerank.v1.Query/Compare": _COMPUTE,
    "/edgerank.v1.Query/Survey": _COMPUTE,
    "/edgerank.v1.Query/Reference": _COMPUTE,
    "/edgerank.v1.Query/ListMeasurements": _COMPUTE,
    "/edgerank.v1.Query/PageMeasurements": _COMPUTE,
    "/edgerank.v1.Query/ExportMeasurements": _COMPUTE,
    "/edgerank.v1.Query/ImportMeasurements": _operate("response.import_id", Load.UPLOAD),
    "/edgerank.v1.Query/ImportAccuracy": _operate("response.figure_count", Load.UPLOAD),
    "/edgerank.v1.Query/ListDatasets": _READ,
    "/edgerank.v1.Query/AddModel": Need(Scope.MODELS, "response.model.name", Load.UPLOAD),
    "/edgerank.v1.Query/ListOwnModels": _READ,
    "/edgerank.v1.Query/RemoveModel": Need(Scope.MODELS, "request.name"),
    "/edgerank.v1.Access/CreateJoinToken": _admin("response.token_id"),
    "/edgerank.v1.Access/ListJoinTokens": Need(Scope.ADMIN),
    "/edgerank.v1.Access/RevokeJoinToken": _admin("request.token_id"),
    "/edgerank.v1.Access/CreateAccess": _admin("request.name"),
    "/edgerank.v1.Access/ListAccess": Need(Scope.ADMIN),
    "/edgerank.v1.Access/RevokeAccess": _admin("request.name"),
    "/edgerank.v1.Access/RevokeDevice": _admin("request.device"),
    "/edgerank.v1.Access/RotateAuthority": _admin("response.authority_sha256"),
    "/edgerank.v1.Access/ListAudit": Need(Scope.ADMIN),
    "/edgerank.v1.Access/WhoAmI": _READ,
    "/grpc.health.v1.Health/Check": Need(Who.ANYONE),
    # A stranger would hold the place of one who wants to join, for as long as it likes.
    "/grpc.health.v1.Health/Watch": Need(Scope.READ, load=Load.FOLLOWING),
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Need(
        Scope.READ, load=Load.FOLLOWING
    ),
}

UNLISTED: Final = Need(Scope.ADMIN)
"""What a call needs that nobody thought of."""

_UNKNOWN: Final = {
    True: "this controller asks for a token; get one from who runs it, and give it to "
    "'edgerank login'",
    False: "this controller takes no device without a certificate; start the agent with a token of "
    "'edgerank token create'",
}


def check(caller: Caller, need: Need) -> None:
    """Refuses who may not make a call.

    Raises:
        EdgerankError: UNKNOWN_CALLER for who showed nothing, NOT_ALLOWED for who lacks something.
    """
    wanted = need.of_caller
    if isinstance(wanted, Scope):
        is_enough = caller.has(wanted)
    else:
        is_enough = (
            wanted is Who.ANYONE or caller.device_id is not None or caller.may_speak_for_devices
        )
    if is_enough:
        return
    if caller.caller is CallerKind.STRANGER:
        raise EdgerankError(ErrorCode.UNKNOWN_CALLER, _UNKNOWN[isinstance(wanted, Scope)])
    lacking = f"the scope {wanted.value}" if isinstance(wanted, Scope) else "a device's certificate"
    raise EdgerankError(
        ErrorCode.NOT_ALLOWED,
        f"this needs {lacking}, which the caller has not; ask who runs the controller for it",
    )
