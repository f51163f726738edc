"""Takes in own models: received, run once in a child, made durable, remembered; or not at all."""

import asyncio
import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from controller.conversions.cancellable import run_cancellable
from controller.conversions.tool_log import logged
from controller.domain.catalog import OwnFile, OwnModel, OwnModelHeader, as_backbone
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.clock import Clock
from controller.fleet.host_gate import HostGate
from controller.fleet.outliving import told_at_its_end
from controller.own.models import check_header, check_name_free, trained_of
from controller.own.room import Promise, UploadRoom
from controller.state.catalog.own_models import (
    forget_own_model,
    list_digests,
    list_own_models,
    record_own_model,
)
from controller.state.database import Database
from models.catalog.catalog import Catalog
from models.catalog.features import NetworkCount
from models.catalog.own import FILE_NAMES, Trained, own_digest, own_folder, write_trained
from models.conversion.own_inspection import NotConfinable, check_confinable, inspect_own
from models.files import sync
from models.processes.child import Cancellation, StepFailed
from models.processes.requests import AdoptAnswer
from models.tools import ToolMissing
from protos.log_lines import event_log

log = event_log(__name__)


class OwnModels:
    """Adds, lists and removes the own models of one controller."""

    def __init__(
        self,
        database: Database,
        state_dir: Path,
        catalog: Catalog,
        gate: HostGate,
        upload_bytes: int,
        *,
        clock: Clock,
    ) -> None:
        """`upload_bytes` is how many all uploads together may announce."""
        self._database = database
        self._catalog = catalog
        self._gate = gate
        self._clock = clock
        self._weights_dir = state_dir / "weights"
        self._uploads_dir = state_dir / "uploads"
        self._room = UploadRoom(self._uploads_dir, upload_bytes)
        # What a killed controller left: parts of uploads, and a model that it did not remember.
        shutil.rmtree(self._uploads_dir, ignore_errors=True)
        _remove_unknown(database, self._weights_dir)
        # One at a time is run and remembered; any number may be on their way.
        self._lock = asyncio.Lock()

    async def list(self) -> tuple[OwnModel, ...]:
        """Every own model, by name."""
        return await asyncio.to_thread(list_own_models, self._database)

    async def add(self, header: OwnModelHeader, chunks: AsyncIterator[bytes]) -> OwnModel:
        """Takes in a model whose bytes are `chunks`, one file after the other.

        A model that is there and whose stored files are damaged gets them back, if these are they.

        Raises:
            EdgerankError: INVALID_INPUT for a model that cannot be used, NAME_TAKEN, PRECONDITION
                when a tool is missing or the kernel cannot hold who reads the model, STORAGE when
                the disk fails, LIMIT when too much comes at once. Nothing of it is kept then.
            asyncio.CancelledError: when the caller hangs up before the model is kept, which it is
                whole or not at all.
        """
        damaged = await asyncio.to_thread(self._damaged, header.name)
        check_header(header, self._others(damaged))
        trained = trained_of(header, self._catalog)
        _check_machine()
        with _storage_named(self._uploads_dir):
            self._uploads_dir.mkdir(parents=True, exist_ok=True)
            announced_bytes = sum(file.size_bytes for file in header.files)
            with (
                self._room.promised(header.name, announced_bytes) as promise,
                tempfile.TemporaryDirectory(dir=self._uploads_dir) as upload,
            ):
                folder, workdir = Path(upload) / "files", Path(upload) / "work"
                folder.mkdir()
                workdir.mkdir()
                await _receive(header, _counted(chunks, promise), folder)
                async with self._lock:
                    check_name_free(header.name, self._others(damaged))
                    answer = await self._inspect(header, folder, workdir, trained)
                    return await self._keep_whole(header, folder, answer, trained, damaged)

    async def remove(self, name: str, *, with_accuracy: bool) -> None:
        """Forgets a model that no sweep has, with its files.

        Accuracy that was imported for it is there again when the same files get the name again,
        unless it goes, too.

        Raises:
            EdgerankError: UNKNOWN_NAME, or PRECONDITION when a sweep has it.
        """
        async with self._lock:
            models = {model.name: model for model in await self.list()}
            await asyncio.to_thread(
                forget_own_model, self._database, name, with_accuracy=with_accuracy
            )
            self._catalog.remove(name)
            removed = models.get(name)
            left = await asyncio.to_thread(list_digests, self._database)
            if removed is not None and removed.digest not in left:
                folder = own_folder(self._weights_dir, removed.digest)
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _inspect(
        self, header: OwnModelHeader, folder: Path, workdir: Path, trained: Trained | None
    ) -> AdoptAnswer:
        cancellation = Cancellation()

        def work() -> AdoptAnswer:
            return inspect_own(
                folder, header.input_size, header.inputs, workdir, cancellation, trained=trained
            )

        try:
            async with self._gate.converting(), self._gate.working():
                return await run_cancellable(None, work, cancellation)
        except StepFailed as failure:
            log_id = logged(failure.said)
            all_of_it = f"; the controller's log has all that was said as {log_id}"
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                f"{header.name} cannot be used: {failure.reason}; nothing of it was kept"
                f"{all_of_it if log_id else ''}",
            ) from failure
        except ToolMissing as error:
            raise EdgerankError(ErrorCode.PRECONDITION, str(error)) from error

    def _damaged(self, name: str) -> OwnModel | None:
        """The model of this name whose stored files are not those that it was added with."""
        named = (model for model in list_own_models(self._database) if model.name == name)
        model = next(named, None)
        if model is None or _is_whole(own_folder(self._weights_dir, model.digest), model.digest):
            return None
        return model

    def _others(self, damaged: OwnModel | None) -> Catalog:
        """The catalog without a model that is to get its files back."""
        others = Catalog(self._catalog)
        if damaged is not None:
            others.remove(damaged.name)
        return others

    async def _keep_whole(
        self,
        header: OwnModelHeader,
        folder: Path,
        answer: AdoptAnswer,
        trained: Trained | None,
        damaged: OwnModel | None,
    ) -> OwnModel:
        def work() -> OwnModel:
            model = self._described(header, folder, answer, trained)
            if damaged is None:
                return self._keep(model, folder, answer.count)
            return self._give_back(damaged, model.digest, folder)

        # Too short to be cut off: who hangs up meanwhile finds the model kept, and written down.
        return await told_at_its_end(asyncio.to_thread(work))

    def _described(
        self, header: OwnModelHeader, folder: Path, answer: AdoptAnswer, trained: Trained | None
    ) -> OwnModel:
        if trained is not None:
            # The weights may have told the number of classes.
            sync(write_trained(folder, replace(trained, classes=answer.classes)))
        return OwnModel(
            name=header.name,
            format=header.format,
            digest=own_digest(folder),
            size_bytes=sum(file.size_bytes for file in header.files),
            takes=answer.takes,
            params_m=answer.params / 1e6,
            output_shapes=tuple("x".join(map(str, shape)) for shape in answer.output_shapes),
            added_at_unix_ms=self._clock.unix_ms(),
            assumed=answer.assumed,
            ir_version=None if answer.versions is None else answer.versions.ir_version,
            opset=None if answer.versions is None else answer.versions.opset,
            architecture=trained.architecture if trained else None,
            precision=answer.precision,
        )

    def _keep(self, model: OwnModel, folder: Path, count: NetworkCount | None) -> OwnModel:
        place = own_folder(self._weights_dir, model.digest)
        with ExitStack() as undoing:
            if not _is_whole(place, model.digest):
                _put_in_place(folder, place)
                undoing.callback(shutil.rmtree, place, ignore_errors=True)
            record_own_model(self._database, model, count)
            undoing.pop_all()
        self._catalog.add(as_backbone(model))
        return model

    def _give_back(self, damaged: OwnModel, digest: str, folder: Path) -> OwnModel:
        if digest != damaged.digest:
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                f"{damaged.name} is there, its stored files are damaged, and these are not the "
                "files that it was added with; bring those, or give this model another name",
            )
        _put_in_place(folder, own_folder(self._weights_dir, digest))
        log.warning("the stored files were damaged, and are whole again", backbone=damaged.name)
        return damaged


def _is_whole(place: Path, digest: str) -> bool:
    try:
        return own_digest(place) == digest
    except OSError:
        return False


def _put_in_place(folder: Path, place: Path) -> None:
    """Makes files durable and lets them take their place, and that of damaged ones."""
    sync(folder)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(place, ignore_errors=True)
    folder.rename(place)
    sync(place.parent)


def _check_machine() -> None:
    try:
        check_confinable()
    except NotConfinable as error:
        raise EdgerankError(ErrorCode.PRECONDITION, str(error)) from error


async def _counted(chunks: AsyncIterator[bytes], promise: Promise) -> AsyncIterator[bytes]:
    """The chunks; each is on the disk by the time that the next is asked for."""
    async for chunk in chunks:
        yield chunk
        promise.taken(len(chunk))


async def _receive(header: OwnModelHeader, chunks: AsyncIterator[bytes], folder: Path) -> None:
    """Writes the files, each checked and synced; the stream must end with the last one."""
    rest = b""
    for name, file in zip(FILE_NAMES[header.format], header.files, strict=True):
        rest = await _receive_file(header.name, file, folder / name, chunks, rest)
    if rest or await anext(chunks, None) is not None:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"more bytes of {header.name} came than were announced; nothing of it was kept",
        )


async def _receive_file(
    model: str, file: OwnFile, path: Path, chunks: AsyncIterator[bytes], block: bytes
) -> bytes:
    """Writes one file and gives what came of the next one; `block` came before."""
    digest = hashlib.sha256()
    missing = file.size_bytes
    with path.open("wb") as stream:
        while missing:
            ours, block = block[:missing], block[missing:]
            digest.update(ours)
            await asyncio.to_thread(stream.write, ours)
            missing -= len(ours)
            if missing:
                # Nothing is left of the block: it was shorter than what is missing.
                following = await anext(chunks, None)
                if following is None:
                    raise EdgerankError(
                        ErrorCode.INVALID_INPUT,
                        f"the upload of {model} ended {missing} bytes early; nothing was kept",
                    )
                block = following
    await asyncio.to_thread(sync, path)
    if digest.hexdigest() != file.sha256:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"the bytes of {model} are not those of its SHA-256: they changed on the way, or the "
            "file changed while it was read; add it again",
        )
    return block


def _remove_unknown(database: Database, weights_dir: Path) -> None:
    known = {own_folder(weights_dir, digest) for digest in list_digests(database)}
    if not all(folder.exists() for folder in known):
        # One that seems to be nobody's may be that of a model whose row is damaged.
        return
    for folder in own_folder(weights_dir, "").glob("*"):
        if folder not in known:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _storage_named(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"the model could not be written below {folder.parent}: {error.strerror}; check that "
            "it is writable and has room",
        ) from error
