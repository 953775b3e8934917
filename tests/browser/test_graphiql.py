"""GraphiQL, as someone uses it."""

import re
from itertools import count

import asyncpg
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.feed.rows import set_budget

pytestmark = pytest.mark.anyio


async def opened(page: Page, query: str = "") -> Page:
    """GraphiQL, once it knows the schema."""
    async with page.expect_response(lambda response: response.request.method == "POST") as introspection:
        await page.goto(f"/graphql{query}")
    assert (await introspection.value).ok
    await expect(page.locator(".graphiql-query-editor .view-line").first).to_be_visible()
    return page


async def answer(page: Page) -> Locator:
    """The pane of answers, after the query in the open tab ran."""
    await page.get_by_role("button", name="Execute query").click()
    pane = page.locator(".result-window .view-lines")
    await expect(pane).to_contain_text("data")
    return pane


async def test_examples_stand_ready_in_tabs(page: Page) -> None:
    await opened(page)
    await expect(page).to_have_title(re.compile("Purser"))
    await expect(page.locator(".graphiql-logo")).to_have_text("Purser")
    await expect(page.locator(".graphiql-tab-button")).to_have_text(
        [
            *("OrdersWithFills", "Strategies", "PageByPage", "Positions", "FillsByDay", "LiveOrders"),
            *("Budgets", "AuthorizeOrder"),
        ]
    )
    await expect(page.locator(".graphiql-query-editor")).to_contain_text("Welcome to Purser")


async def test_runs_a_query_and_keeps_it_in_the_history(page: Page) -> None:
    await expect(await answer(await opened(page))).to_contain_text("clientOrderId")
    await page.get_by_role("button", name="Show History").click()
    await expect(page.locator(".graphiql-history-item").first).to_contain_text("OrdersWithFills")


async def test_completes_a_field_of_the_schema(page: Page) -> None:
    await opened(page)
    await page.get_by_role("button", name="New tab").click()
    await page.locator(".graphiql-query-editor .monaco-editor").click()
    await page.keyboard.press("Control+A")
    await page.keyboard.type("{ strat")
    await expect(page.locator(".suggest-widget .monaco-list-row").first).to_contain_text("strategies")


async def test_documents_the_schema(page: Page) -> None:
    await opened(page)
    await page.get_by_role("button", name="Show Documentation Explorer").click()
    explorer = page.locator(".graphiql-doc-explorer")
    await explorer.get_by_role("link", name="Query").click()
    await expect(explorer).to_contain_text("Orders; by default newest first")


async def test_a_link_carries_a_query(page: Page) -> None:
    await opened(page, "?query=query Linked { summary { orders } }")
    await expect(page.locator(".graphiql-tab-active .graphiql-tab-button")).to_have_text("Linked")
    await expect(await answer(page)).to_contain_text("orders")


async def test_the_browser_asks_no_other_host_even_if_told_to(browser: Browser, site: str) -> None:
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


async def test_takes_a_key_in_the_headers_editor(browser: Browser, keyed_site: tuple[str, str]) -> None:
    site, key = keyed_site
    async with await browser.new_context(base_url=site) as context:
        page = await context.new_page()
        async with page.expect_response(lambda response: response.request.method == "POST") as introspection:
            await page.goto("/graphql?query={summary{orders}}")
        assert (await introspection.value).status == 401
        await page.get_by_role("button", name="Headers").click()
        await page.locator(".graphiql-editor-tool .monaco-editor").last.click()
        await page.keyboard.insert_text(f'{{"Authorization": "Bearer {key}"}}')
        await expect(await answer(page)).to_contain_text("orders")


async def test_follows_changes_with_the_key_of_the_headers_editor(
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
        # Until it has begun nobody is told: so the budget is set until it is seen.
        for number in count(1):
            await set_budget(connection, "USDT", str(number))
            if "USDT" in await pane.inner_text():
                break
        await expect(pane).to_contain_text("allocated")
    await connection.close()
