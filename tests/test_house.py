"""The house's own rules, read from the source: which way imports point, how large modules are, where foreign wires may be named."""

from __future__ import annotations

import ast
import re
import statistics
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("appliance", "drivers", "gateway", "headsets", "wallboard")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
NAMES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in MODULES}

#: Layer → what it may import of ours, by dotted prefix; the longest prefix that fits a module decides its layer.
#: A layer may always import itself.
#: What services stand on.
RUNTIME = (
    "appliance.metrics",
    *("appliance.core", "appliance.floor", "appliance.floor_view", "appliance.service"),
    *("appliance.apart", "appliance.outbox", "appliance.command_run", "appliance.command_crew", "appliance.progress"),
)
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "appliance.core": (),
    "drivers": ("appliance.core.errors", "appliance.core.clock"),
    "appliance.floor": ("appliance.core",),
    "appliance.forecast": ("appliance.core",),
    "appliance.floor_view": ("appliance.core", "appliance.floor", "appliance.forecast"),
    "appliance.service": ("appliance.core", "appliance.floor"),
    "appliance.apart": ("appliance.core",),
    "appliance.outbox": ("appliance.core", "appliance.service"),
    "appliance.progress": ("appliance.service",),
    "appliance.command_run": ("appliance.core", "appliance.service"),
    "appliance.command_row": ("appliance.core",),
    "appliance.command_crew": ("appliance.core", "appliance.command_row", "appliance.service"),
    "appliance.schema": ("appliance.core", "appliance.floor"),
    "wallboard": (*RUNTIME, "drivers"),
    "headsets": (*RUNTIME, "drivers"),
    "gateway": (*RUNTIME, "drivers"),
    # Composition: it knows the floors below, and finds services by name.
    "appliance": ("appliance",),
}
#: Constants and names that every layer above the drivers may read: they import no service.
NAMES_ONLY = ("appliance.version", "appliance.registry")
#: Parts of a service that the composition may use, because a verb is about nothing else (`decode` reads what a source reads,
#: `status` shows what a board shows). Services themselves are found by name.
COMPOSITION_MAY = (
    "gateway.pbx", "gateway.asterisk", "gateway.freeswitch", "gateway.fxo", "gateway.smdr", "gateway.uplink", "gateway.opcua",
    "gateway.agi",
    "wallboard", "drivers", "headsets",
)  # fmt: skip
#: A verb, the demo or a simulator is imported only when it is asked for; everything else of the composition imports those parts late.
ASKED_FOR = (
    "appliance.cli",
    "appliance.sim",
    "appliance.demo",
    "appliance.demo_view",
    "appliance.doctor",
    "appliance.kiosk",
    "appliance.rig",
)
#: The modules with SQL: the journal's, and those of the files beside it.
SQL = (
    "appliance.core.store", "appliance.core.sqlite_file",
    "appliance.core.directory_store", "appliance.core.directory_reader", "appliance.core.do_not_call",
)  # fmt: skip
#: What core stands on beside msgspec, and where.
CORE_MAY = {"appliance.core.e164": {"phonenumbers"}}
#: Foreign wire libraries, for drivers alone, and there only inside functions, so that a laptop without them starts.
WIRES = ("serial", "usb", "pyudev", "hid", "gpiozero", "lgpio", "luma", "pysnmp", "spidev")
WHERE = {
    "paho": ("gateway.uplink.mqtt",),
    # The journals turn the faults of the store's statements into ours; version only tells SQLite's own.
    "sqlite3": (*SQL, "appliance.core.journal_sqlite", "appliance.core.journal_readonly", "appliance.cli.version"),
    "asyncua": ("gateway.opcua",),
    "prometheus_client": ("appliance.metrics.exposition",),
}
#: Data tables, not code: exempt from the size limit.
TABLES = {
    *("appliance/core/catalogue.py", "appliance/schema/config_words.py", "appliance/schema/example.py"),
    "appliance/provision/words_table.py",
}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> Iterator[tuple[str, ast.stmt, bool]]:
    """Each imported module: its name, the statement, and whether it is put off: inside a function, or for the type checker alone."""

    def walk(node: ast.AST, inside: bool) -> Iterator[tuple[str, ast.stmt, bool]]:
        for child in ast.iter_child_nodes(node):
            deeper = inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or for_types_only(child)
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield alias.name, child, inside
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}:{child.lineno}: write imports in full"
                assert child.module is not None
                for alias in child.names:
                    whole = f"{child.module}.{alias.name}"
                    yield (whole if whole in NAMES else child.module), child, inside
            else:
                yield from walk(child, deeper)

    yield from walk(tree(path), False)


def for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def layer_of(name: str) -> str:
    return max((layer for layer in MAY_IMPORT if within(name, (layer,))), key=len)


def forbidden(name: str, imported: str) -> bool:
    """Whether module `name` may not import our module `imported`."""
    layer = layer_of(name)
    if layer != "appliance":
        may = (layer, *MAY_IMPORT[layer], *(NAMES_ONLY if "appliance.service" in MAY_IMPORT[layer] else ()))
        return not within(imported, may)
    # A service's face is its module `service`; those are found in the registry.
    return not within(imported, ("appliance", *COMPOSITION_MAY)) or (imported.endswith(".service") and not imported.startswith("appliance"))


@pytest.mark.parametrize("name", NAMES)
def test_imports_point_one_way(name: str) -> None:
    for imported, statement, _ in imports(NAMES[name]):
        if within(imported, PACKAGES):
            assert not forbidden(name, imported), f"{NAMES[name]}:{statement.lineno}: {name} ({layer_of(name)}) may not import {imported}"


def test_composition_imports_services_late() -> None:
    early = [
        f"{path}:{statement.lineno}: {imported}"
        for name, path in NAMES.items()
        if layer_of(name) == "appliance" and not within(name, ASKED_FOR)
        for imported, statement, inside in imports(path)
        if within(imported, PACKAGES) and not within(imported, ("appliance",)) and not inside
    ]
    assert early == []


@pytest.mark.parametrize(
    ("name", "imported"),
    [
        ("appliance.core.journal", "appliance.floor.visit"),
        ("appliance.core.journal", "drivers.url"),
        ("drivers.led_matrix", "appliance.core.journal"),
        ("appliance.floor.visit", "appliance.service"),
        ("wallboard.board", "gateway.asterisk.ami"),
        ("gateway.uplink.service", "wallboard.board"),
        ("gateway.uplink.service", "appliance.runner"),
        ("appliance.runner", "gateway.pbx.service"),
        ("appliance.schema.page", "appliance.cli.main"),
    ],
)
def test_the_rule_sees_a_breach(name: str, imported: str) -> None:
    assert forbidden(name, imported)


def test_no_import_circle() -> None:
    graph = {
        name: {imported for imported, _, inside in imports(path) if imported in NAMES and not inside and imported != name}
        for name, path in NAMES.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, "circle: " + " → ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for imported in sorted(graph[name]):
                visit(imported, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_core_stands_on_msgspec_alone() -> None:
    allowed = sys.stdlib_module_names | {"msgspec", "appliance"}
    for name, path in NAMES.items():
        if layer_of(name) == "appliance.core":
            for imported, statement, _ in imports(path):
                top = imported.partition(".")[0]
                assert top in allowed or top in CORE_MAY.get(name, ()), f"{path}:{statement.lineno}: core imports {imported}"


def test_folds_are_pure() -> None:
    """No input, no output, no clock, no logging in appliance/floor."""
    impure = {"asyncio", "io", "logging", "os", "random", "secrets", "socket", "sqlite3", "subprocess", "threading", "time"}
    for name, path in NAMES.items():
        if layer_of(name) == "appliance.floor":
            for imported, statement, _ in imports(path):
                assert imported.partition(".")[0] not in impure, f"{path}:{statement.lineno}: a fold imports {imported}"
            for node in ast.walk(tree(path)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    assert node.func.id not in {"open", "print", "input"}, f"{path}:{node.lineno}: a fold calls {node.func.id}"
                if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"} and isinstance(node.value, ast.Name):
                    assert node.value.id not in {"datetime", "date"}, f"{path}:{node.lineno}: a fold asks what time it is"


def test_wires_are_opened_in_drivers_only() -> None:
    for name, path in NAMES.items():
        for imported, statement, inside in imports(path):
            if imported.partition(".")[0] in WIRES:
                assert layer_of(name) == "drivers", f"{path}:{statement.lineno}: {imported} belongs in drivers/"
                assert inside, f"{path}:{statement.lineno}: import {imported} inside the opener"


@pytest.mark.parametrize("library", WHERE)
def test_foreign_library_is_known_in_one_place(library: str) -> None:
    homes = WHERE[library]
    for name, path in NAMES.items():
        for imported, statement, _ in imports(path):
            if within(imported, (library,)):
                assert within(name, homes), f"{path}:{statement.lineno}: {library} belongs in {homes[0]}"


def test_sql_stands_in_one_module() -> None:
    statement = re.compile(r"^\s*(SELECT .* FROM|INSERT INTO|DELETE FROM|CREATE TABLE|PRAGMA |BEGIN IMMEDIATE|UPDATE \w+ SET)", re.S)
    for name, path in NAMES.items():
        if name not in SQL:
            for node in ast.walk(tree(path)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    assert not statement.match(node.value), f"{path}:{node.lineno}: SQL belongs in {SQL[0]}"


def test_modules_are_small() -> None:
    sizes = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in MODULES
        if path.name != "__init__.py" and path.relative_to(ROOT).as_posix() not in TABLES
    }
    assert {path: size for path, size in sizes.items() if size > 500} == {}, "over 500 lines: split by concept"
    over = {path: size for path, size in sizes.items() if size > 300}
    assert len(over) <= len(sizes) / 10, f"more than one module in ten is over 300 lines: {over}"
    assert statistics.median(sizes.values()) <= 120, "the median module is over 120 lines"


def test_tables_exist() -> None:
    assert [table for table in sorted(TABLES) if not (ROOT / table).is_file()] == []


@pytest.mark.parametrize("name", NAMES)
def test_module_says_what_it_decides(name: str) -> None:
    text = ast.get_docstring(tree(NAMES[name]))
    assert text, f"{NAMES[name]} has no docstring: its first line says what the module decides"
    assert len(text.partition("\n")[0]) >= 20, f"{NAMES[name]}: say more than {text!r}"


def test_no_module_without_a_subject() -> None:
    empty = {"util", "utils", "helper", "helpers", "common", "manager", "misc", "base2"}
    assert [name for name in NAMES if empty & set(name.rpartition(".")[2].split("_"))] == []


def test_faults_are_not_swallowed() -> None:
    """`except Exception: pass` and bare excepts: an outage would look like an empty floor."""
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ExceptHandler):
                broad = node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
                silent = all(
                    isinstance(line, ast.Pass | ast.Continue) or (isinstance(line, ast.Return) and line.value is None) for line in node.body
                )
                assert not (broad and silent), f"{path}:{node.lineno}: a fault is swallowed"


def test_every_folder_of_modules_is_a_package() -> None:
    for path in MODULES:
        assert (path.parent / "__init__.py").is_file(), f"{path.parent} has no __init__.py"
    for folder in ("systemd", "images", "tests", "docs"):
        assert list((ROOT / folder).rglob("__init__.py")) == [], f"{folder}/ is no package"


def test_dependencies_are_used_and_declared() -> None:
    """What we import at run time is declared; what every box must install is imported."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    modules = {
        "paho-mqtt": "paho",
        "luma.led_matrix": "luma",
        "phonenumberslite": "phonenumbers",
        "pillow": "PIL",
        "prometheus-client": "prometheus_client",
        "rpi_ws281x": "_rpi_ws281x",
        "pyserial": "serial",
        "pyusb": "usb",
    }

    def top(requirement: str) -> str:
        name = re.split(r"[<>=\[; ]", requirement, maxsplit=1)[0]
        return modules.get(name, name)

    always = {top(line) for line in project["dependencies"]}
    extras = {top(line) for extra, lines in project["optional-dependencies"].items() if extra not in {"dev", "bench"} for line in lines}
    imported = {name.partition(".")[0] for path in MODULES for name, _, _ in imports(path)}
    foreign = imported - set(sys.stdlib_module_names) - set(PACKAGES)
    assert foreign - always - extras == set(), "imported, yet neither a dependency nor an extra"
    # tzdata has no import: zoneinfo reads it.
    unused = always - imported - {"tzdata"}
    assert unused == set(), f"declared, yet never imported: {unused}"
