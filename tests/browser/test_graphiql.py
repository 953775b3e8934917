"""GraphiQL in a browser."""

import re
from itertools import count

import asyncpg
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.feed.rows import set_budget

pytestmark = pytest.mark.anyio


async def open_graphiql(page: Page, query: str = "") -> Page:
    """Opens GraphiQL and waits until it has loaded the schema."""
    async with page.expect_response(lambda response: response.request.method == "POST") as introspection:
        await page.goto(f"/graphql{query}")
    assert (await introspection.value).ok
    await expect(page.locator(".graphiql-query-editor .view-line").first).to_be_visible()
    return page


async def run_query(page: Page) -> Locator:
    """Runs the query in the open tab. Returns the result pane."""
    await page.get_by_role("button", name="Execute query").click()
    pane = page.locator(".result-window .view-lines")
    await expect(pane).to_contain_text("data")
    return pane


async def test_graphiql_opens_with_example_queries_in_tabs(page: Page) -> None:
    await open_graphiql(page)
    await expect(page).to_have_title(re.compile("Purser"))
    await expect(page.locator(".graphiql-logo")).to_have_text("Purser")
    await expect(page.locator(".graphiql-tab-button")).to_have_text(
        [
            *("OrdersWithFills", "Strategies", "PageByPage", "Positions", "FillsByDay", "LiveOrders"),
            *("Budgets", "AuthorizeOrder"),
        ]
    )
    await expect(page.locator(".graphiql-query-editor")).to_contain_text("Welcome to Purser")


async def test_graphiql_runs_a_query_and_keeps_it_in_the_history(page: Page) -> None:
    await expect(await run_query(await open_graphiql(page))).to_contain_text("clientOrderId")
    await page.get_by_role("button", name="Show History").click()
    await expect(page.locator(".graphiql-history-item").first).to_contain_text("OrdersWithFills")


async def test_graphiql_completes_a_field_name(page: Page) -> None:
    await open_graphiql(page)
    await page.get_by_role("button", name="New tab").click()
    await page.locator(".graphiql-query-editor .monaco-editor").click()
    await page.keyboard.press("Control+A")
    await page.keyboard.type("{ strat")
    await expect(page.locator(".suggest-widget .monaco-list-row").first).to_contain_text("strategies")


async def test_graphiql_shows_the_documentation_of_the_schema(page: Page) -> None:
    await open_graphiql(page)
    await page.get_by_role("button", name="Show Documentation Explorer").click()
    explorer = page.locator(".graphiql-doc-explorer")
    await explorer.get_by_role("link", name="Query").click()
    await expect(explorer).to_contain_text("Orders; by default newest first")


async def test_a_link_opens_graphiql_with_its_query(page: Page) -> None:
    await open_graphiql(page, "?query=query Linked { summary { orders } }")
    await expect(page.locator(".graphiql-tab-active .graphiql-tab-button")).to_have_text("Linked")
    await expect(await run_query(page)).to_contain_text("orders")


async def test_the_content_security_policy_blocks_requests_to_other_hosts(browser: Browser, site: str) -> None:
    async with await browser.new_context() as context:
        page = await context.new_page()
        await page.goto(f"{site}/graphql")
        refused = await page.evaluate(
            """new Promise((resolve) => {
                addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
                fetch("http://example.invalid/");
            })"""
        )
    assert refused == "connect-src"


async def test_graphiql_sends_a_key_from_the_headers_editor(browser: Browser, keyed_site: tuple[str, str]) -> None:
    site, key = keyed_site
    async with await browser.new_context(base_url=site) as context:
        page = await context.new_page()
        async with page.expect_response(lambda response: response.request.method == "POST") as introspection:
            await page.goto("/graphql?query={summary{orders}}")
        assert (await introspection.value).status == 401
        await page.get_by_role("button", name="Headers").click()
        await page.locator(".graphiql-editor-tool .monaco-editor").last.click()
        await page.keyboard.insert_text(f'{{"Authorization": "Bearer {key}"}}')
        await expect(await run_query(page)).to_contain_text("orders")


async def test_graphiql_subscribes_with_a_key_from_the_headers_editor(
    browser: Browser, keyed_site: tuple[str, str], database_url: str
) -> None:
    site, key = keyed_site
    connection = await asyncpg.connect(database_url)
    async with await browser.new_context(base_url=site) as context:
        page = await context.new_page()
        await page.goto("/graphql?query=subscription{budgets{currency budget{allocated}}}")
        await page.get_by_role("button", name="Headers").click()
        await page.locator(".graphiql-editor-tool .monaco-editor").last.click()
        await page.keyboard.insert_text(f'{{"Authorization": "Bearer {key}"}}')
        async with page.expect_websocket():
            await page.get_by_role("button", name="Execute query").click()
        pane = page.locator(".result-window .view-lines")
        # A subscription reports only later changes, so the budget is set until one is shown.
        for number in count(1):
            await set_budget(connection, "USDT", str(number))
            if "USDT" in await pane.inner_text():
                break
        await expect(pane).to_contain_text("allocated")
    await connection.close()
