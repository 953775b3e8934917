"""The OpenAPI document and its pages."""

import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from tests.reads.serving import Client

pytestmark = pytest.mark.anyio

WRITES = {
    ("put", "/api/budget/{strategy_id}/{currency}"),
    ("delete", "/api/budget/{strategy_id}/{currency}"),
}
PATHS = {
    "/health",
    "/health/ready",
    "/api/trading/strategies",
    "/api/trading/orders",
    "/api/trading/orders/{client_order_id}",
    "/api/trading/orders/{client_order_id}/fills",
    "/api/trading/orders/{client_order_id}/deny-reason",
    "/api/trading/fills",
    "/api/trading/fills/summary",
    "/api/trading/positions",
    "/api/trading/summary",
    "/api/trading/audit",
    "/api/budget/registry",
    "/api/budget/{strategy_id}",
    "/api/budget/{strategy_id}/pnl/realized",
}
READINESS = {"$ref": "#/components/schemas/Readiness"}
WITHOUT_CONTENT = {"204", "304"}


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Every operation of every path."""
    return [operation for item in document["paths"].values() for operation in item.values()]


async def openapi_document(client: Client) -> dict[str, Any]:
    document: dict[str, Any] = (await client.get("/openapi.json")).json()
    return document


async def test_exactly_the_documented_paths_exist(client: Client) -> None:
    document = await openapi_document(client)
    found = {(method, path) for path, item in document["paths"].items() for method in item}
    assert found == {("get", path) for path in PATHS} | WRITES


async def test_every_response_has_a_schema_and_an_example(client: Client) -> None:
    document = await openapi_document(client)
    for operation in operations(document):
        for status, response in operation["responses"].items():
            assert response["description"]
            if status in WITHOUT_CONTENT:
                assert "content" not in response
                continue
            content = response["content"]["application/json"]
            assert content["schema"]
            if status != "200" and content["schema"] != READINESS:
                assert set(content["example"]) == {"detail", "code"}
        assert {"422", "500", "503"} <= operation["responses"].keys()
        if operation["responses"]["503"]["content"]["application/json"]["schema"] != READINESS:
            assert "Retry-After" in operation["responses"]["503"]["headers"]
    schemas = document["components"]["schemas"]
    without = {name for name, schema in schemas.items() if schema["type"] == "object" and not schema.get("examples")}
    # Error is in the example of each error response; the others are in the examples of their parents.
    assert without == {"Error", "CurrencyFills", "InstrumentFills", "DatabaseCheck", "FeedCheck", "RegistryCheck"}


async def test_amounts_are_numbers_and_only_optional_ones_are_nullable(client: Client) -> None:
    order = (await openapi_document(client))["components"]["schemas"]["Order"]
    assert order["properties"]["quantity"]["type"] == "number"
    assert [one["type"] for one in order["properties"]["price"]["anyOf"]] == ["number", "null"]
    assert order["required"] == list(order["properties"])


async def test_parameters_cannot_be_null(client: Client) -> None:
    for operation in operations(await openapi_document(client)):
        for parameter in operation.get("parameters", []):
            assert "null" not in str(parameter["schema"]), parameter


async def test_every_query_parameter_allows_an_empty_value(client: Client) -> None:
    seen = 0
    for operation in operations(await openapi_document(client)):
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query":
                seen += 1
                assert parameter["allowEmptyValue"] is True
                assert parameter["description"].endswith("Without a value (`?name=`): as if omitted.")
                assert not parameter["required"]
    assert seen > 20


async def test_an_allocated_amount_is_a_number_or_a_text(client: Client) -> None:
    document = await openapi_document(client)
    request = document["components"]["schemas"]["BudgetRequest"]
    assert [one["type"] for one in request["properties"]["allocated"]["anyOf"]] == ["number", "string"]
    check = Draft202012Validator(request["properties"]["allocated"])
    for valid in (0, 1000.5, "1000.50", "0.10", "1e3", ".5"):
        check.validate(valid)
    for invalid in (-1, True, None, "", " 1", "1_000", "NaN", "0x10", "\uff11"):
        assert not check.is_valid(invalid), invalid


async def test_the_openapi_document_is_valid(client: Client) -> None:
    validate(await openapi_document(client))


@pytest.mark.parametrize("page", ["/docs", "/redoc", "/"])
async def test_pages_load_only_local_files(client: Client, page: str) -> None:
    response = await client.get(page)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    loaded = re.findall(r'(?:src|href|url)="([^"]+)"', response.text)
    assert loaded
    for address in loaded:
        assert not re.match(r"[a-z]+:|//", address), address
        visited = await client.http.get(f"/{address.lstrip('/')}", headers={"Accept": "text/html,*/*;q=0.8"})
        assert visited.status_code == 200, address


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_the_content_security_policy_allows_no_other_host(client: Client, page: str) -> None:
    policy = (await client.get(page)).headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; ")
    assert "http" not in policy
    # Inline scripts would need 'unsafe-inline'.
    assert re.findall(r"<script(?! src)", (await client.get(page)).text) == []


async def test_scripts_load_nothing_from_a_cdn(client: Client) -> None:
    for name in ("swagger-ui-bundle.js", "redoc.standalone.js", "swagger-ui.css", "swagger-start.js"):
        script = (await client.get(f"/docs/assets/{name}")).text
        assert re.findall(r"(?:cdn|unpkg|jsdelivr|googleapis|gstatic)\.[a-z.]+/", script) == [], name


async def test_every_example_matches_its_schema(client: Client) -> None:
    document = await openapi_document(client)
    examples_by_schema = {
        name: schema["examples"] for name, schema in document["components"]["schemas"].items() if "examples" in schema
    }
    assert len(examples_by_schema) > 6
    for name, examples in examples_by_schema.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        for example in examples:
            Draft202012Validator(schema).validate(example)
            assert list(example) == list(document["components"]["schemas"][name]["properties"])


async def test_operation_ids_are_short_and_unique(client: Client) -> None:
    document = await openapi_document(client)
    assert (
        document["paths"]["/api/trading/orders/{client_order_id}/deny-reason"]["get"]["operationId"]
        == "get_deny_reason"
    )
    ids = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert all("api" not in name for name in ids)
    assert len(set(ids)) == len(ids)
