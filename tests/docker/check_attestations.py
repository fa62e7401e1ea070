"""Checks what `./buildDockerImages.sh --attest` wrote: against the schema of CycloneDX, Cargo.lock and the binary.

    python3 tests/docker/check_attestations.py <folder>
"""

import hashlib
import json
import pathlib
import struct
import sys
import tomllib
import zlib


def crates_of(binary):
    """The crates that cargo-auditable lists in the section `.dep-v0`, without those that only the build used."""
    data = binary.read_bytes()
    (offset,), (count, names) = struct.unpack_from("<Q", data, 40), struct.unpack_from("<HH", data, 60)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, offset + 64 * number) for number in range(count)]
    for name, _, _, _, start, size, *_ in sections:
        begin = sections[names][4] + name
        if data[begin : data.index(b"\0", begin)] == b".dep-v0":
            packages = json.loads(zlib.decompress(data[start : start + size]))["packages"]
            return {(package["name"], package["version"]) for package in packages if package.get("kind") != "build"}
    raise SystemExit("the binary has no section .dep-v0")


def check_schema(text):
    try:
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
    except ImportError:
        return print("The package cyclonedx-python-lib is not here: the schema is not checked")
    error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
    assert error is None, f"the bill of materials does not match the schema of CycloneDX: {error}"
    broken = json.dumps(json.loads(text) | {"componets": []})
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(broken) is not None, "the validator accepts unknown fields"


def main(folder):
    text = (folder / "sbom.cdx.json").read_text()
    check_schema(text)
    components = json.loads(text)["components"]
    listed = {(each["name"], each["version"]) for each in components}
    binary = next(path for path in folder.iterdir() if path.suffix == "" and path.name not in ("SHA256SUMS",))
    linked = {crate for crate in crates_of(binary) if crate[0] != json.loads(text)["metadata"]["component"]["name"]}
    assert linked <= listed, f"the bill of materials lacks {linked - listed}"
    locked = {(each["name"], each["version"]): each.get("checksum") for each in tomllib.loads((folder / "Cargo.lock").read_text())["package"]}
    for each in components:
        checksum = locked[each["name"], each["version"]]
        hashes = {it["alg"]: it["content"] for it in each.get("hashes", [])}
        assert checksum is None or hashes.get("SHA-256") == checksum, f"{each['name']} has another checksum than in Cargo.lock"
        assert each.get("licenses") or checksum is None, f"{each['name']} has no license"
    statement = json.loads((folder / "provenance.intoto.json").read_text())
    assert statement["_type"] == "https://in-toto.io/Statement/v1" and statement["predicateType"] == "https://slsa.dev/provenance/v1"
    digests = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
    assert digests[binary.name] == hashlib.sha256(binary.read_bytes()).hexdigest(), "the provenance is that of another binary"
    materials = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert all(next(iter(material["digest"].values())) for material in materials), f"a material has no digest: {materials}"
    print(f"The bill of materials has {len(components)} components; the binary lists {len(linked)} of them")


main(pathlib.Path(sys.argv[1]))
