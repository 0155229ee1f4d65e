"""The settings page in a real browser, with and without scripts (R34, R92)."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewVisit


@pytest.mark.parametrize("scripts", [True, False])
def test_a_key_is_made_shown_once_and_revoked(new_visit: NewVisit, scripts: bool) -> None:
    name = f"nightly import {scripts}"
    window = new_visit(scripts=scripts)
    page = window.sign_in()
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("Name of a new key").fill(name)
    page.get_by_role("checkbox", name="Write").uncheck()
    page.get_by_role("button", name="Make a key").click()
    expect(page.locator("#new-key")).to_have_text(re.compile(r"ing_[A-Za-z0-9]{43}"))

    page = window.go("/dashboard/settings")
    expect(page.locator("#new-key")).to_have_count(0)
    row = page.get_by_role("row", name=name)
    expect(row).to_contain_text("read")
    expect(row).not_to_contain_text("write")
    row.get_by_text("Revoke", exact=True).click()
    row.get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_role("status").filter(has_text="revoked")).to_be_visible()
    expect(page.get_by_role("row", name=name)).to_have_count(0)


def test_on_a_phone_the_question_before_revoking_fits_the_page(new_visit: NewVisit) -> None:
    page = new_visit(width=390, height=780).sign_in("sample-plus")
    page.goto(page.url.replace("/dashboard", "/dashboard/settings"))
    page.get_by_label("Name of a new key").fill("phone")
    page.get_by_role("button", name="Make a key").click()
    page.get_by_role("row", name="phone").locator("summary").click()
    expect(page.get_by_role("button", name="Revoke the key")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
