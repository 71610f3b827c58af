// A domain expert writes rules of thumb: sees what they reach while typing, joins them into labels, and takes it all back.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { api, browser, person, serve, until, workspace } from "./bench.mjs";

let place;
let server;
let machine;

before(async () => {
    place = workspace();
    [server, machine] = await Promise.all([serve(place.path), browser()]);
    const { rows } = await api(server, "/tables/north/rows?limit=40");
    const labels = rows.map((row) => ({ shape: "class", rows: [{ id: row.id }], value: [row.values.includes("Garden") ? "Garden" : "Other"], task: "north" }));
    await api(server, "/label", { labels });
});
after(async () => {
    await machine?.close();
    await server?.stop();
    place?.remove();
});

const page_ = (table = "north") => api(server, `/heuristics?table=${table}`);
const chosen = (page) => page.getByRole("button", { name: "Pattern", exact: true });

describe("heuristics", () => {
    test("by keyboard: words are tried, kept, joined, applied and undone", async () => {
        const { page, context, faults } = await person(machine, server.address);
        await page.goto(`${server.base}/label`);
        await page.getByRole("link", { name: /Heuristics/ }).click();
        await page.getByRole("heading", { name: "Heuristics", level: 1 }).waitFor();
        await page.goto(`${server.base}/label/heuristics?table=north`);
        await page.getByText("Name a class and a word or two").waitFor();
        await page.keyboard.press("n");
        await page.keyboard.type("Garden");
        await page.keyboard.press("Tab");
        await page.keyboard.type("mower, trimmer, rake, hose, shears");
        await page.getByTestId("tried").locator("mark").first().waitFor();
        const marked = (await page.getByTestId("tried").locator("mark").allInnerTexts()).map((text) => text.toLowerCase());
        assert.ok(marked.every((text) => ["mower", "trimmer", "rake", "hose", "shears"].includes(text)), marked.join());
        await page.keyboard.press("Control+Enter");
        await until(async () => (await page_()).rules.length === 1, "it is kept");
        await page.keyboard.press("n");
        await page.keyboard.type("Other");
        await chosen(page).focus();
        await page.keyboard.press("Enter");
        await page.locator("#rule-text").focus();
        await page.keyboard.type("(?=x)y");
        await page.getByText("no look-around").waitFor();
        await page.keyboard.press("Control+a");
        await page.keyboard.type("pan|kettle|lamp|chair|knife");
        await page.getByTestId("tried").locator("mark").first().waitFor();
        await page.keyboard.press("Enter");
        await until(async () => (await page_()).rules.length === 2, "the second is kept");
        const button = page.getByTestId("joined").getByRole("button", { name: /^Label / });
        await button.focus();
        await page.keyboard.press("Enter");
        await until(async () => (await page_()).applied.length > 0, "labels of heuristics count");
        assert.ok((await api(server, "/labels?limit=5")).events.every((event) => event.person === "(heuristics)"));
        await page.locator(".toast").getByText("Undo").click();
        await until(async () => (await page_()).applied.length === 0, "none counts");
        assert.deepEqual(faults, []);
        await context.close();
    });

    test("at 400 pixels: one is turned off, removed, and put back", async () => {
        const { page, context, faults } = await person(machine, server.address, { viewport: { width: 400, height: 820 }, colorScheme: "dark" });
        await page.goto(`${server.base}/label/heuristics?table=north`);
        await page.locator(".rules tbody tr").first().waitFor();
        await page.locator(".rules input[type=checkbox]").first().uncheck();
        await until(async () => (await page_()).rules[0].on === false, "it is off");
        await page.getByRole("button", { name: "Remove" }).first().click();
        await until(async () => (await page_()).rules.length === 1, "it is gone");
        await page.locator(".toast").getByText("Undo").click();
        await until(async () => (await page_()).rules.length === 2, "it is back");
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, "nothing is wider than the screen");
        assert.deepEqual(faults, []);
        await context.close();
    });

    test("what stands in the data is text, however it looks", async () => {
        const { page, context, faults } = await person(machine, server.address);
        const rule = { name: "<img src=x onerror=alert(1)>", table: "north", gives: "<b>bold</b>", pattern: "." };
        const reply = await fetch(`${server.base}/api/heuristics`, { method: "PUT", headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json" }, body: JSON.stringify(rule) });
        assert.equal(reply.status, 200);
        await page.goto(`${server.base}/label/heuristics?table=north`);
        await page.getByText("<b>bold</b>").first().waitFor();
        assert.equal(await page.locator("main img, main td b").count(), 0);
        assert.deepEqual(faults, []);
        await context.close();
    });
});
