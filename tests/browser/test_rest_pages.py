"""Swagger UI and ReDoc, in a browser that can reach no other host."""

import pytest
from playwright.async_api import Page, expect

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("path", "operation"), [("/docs", ".opblock-summary-path"), ("/redoc", "[data-section-id]")])
async def test_docs_and_redoc_show_the_operations(page: Page, path: str, operation: str) -> None:
    await page.goto(path)
    await expect(page.locator(operation).first).to_be_visible()
    await expect(page.get_by_text("/api/trading/fills/summary").first).to_be_attached()


async def test_swagger_ui_executes_an_operation(page: Page) -> None:
    await page.goto("/docs")
    await page.locator(".opblock-summary-path", has_text="/api/trading/summary").click()
    await page.get_by_role("button", name="Try it out").click()
    await page.get_by_role("button", name="Execute").click()
    await expect(page.locator(".live-responses-table")).to_contain_text('"orders"')
