// Two people answered differently: a key settles it, and Undo opens it again. A model that learns in the background goes back.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { api, browser, person, serve, TRAINING, until, workspace } from "./bench.mjs";

let place;
let server;
let machine;

before(async () => {
    place = workspace();
    [server, machine] = await Promise.all([serve(place.path), browser()]);
    const { rows } = await api(server, "/tables/north/rows?limit=30");
    const label = (row, value, who) => ({ key: `${who}-${row.id}`, shape: "class", rows: [{ id: row.id }], value: [value], task: "north" });
    const { token } = await api(server, "/people", { person: "bo" });
    await api(server, "/label", { labels: rows.map((row, place_) => label(row, place_ % 2 ? "odd" : "even", "ada")) });
    await api(server, "/label", { labels: [label(rows[0], "odd", "bo"), label(rows[1], "odd", "bo")] }, token);
});
after(async () => {
    await machine?.close();
    await server?.stop();
    place?.remove();
});

describe("settling and going back", () => {
    test("a conflict is settled with a key at 400 pixels, and taken back", async () => {
        const { page, context, faults } = await person(machine, server.address, { viewport: { width: 400, height: 820 } });
        const open = async () => (await api(server, "/labels/summary")).unsettled;
        assert.equal(await open(), 1);
        await page.goto(`${server.base}/people`);
        await page.getByText("1 question is answered differently").waitFor({ timeout: TRAINING });
        await page.getByRole("button", { name: "even" }).waitFor();
        await page.keyboard.press("1");
        await until(async () => (await open()) === 0, "it is settled");
        await page.locator(".toast").getByText("Undo").click();
        await until(async () => (await open()) === 1, "it is open again");
        await page.getByText("1 question is answered differently").waitFor();
        assert.deepEqual(faults, []);
        await context.close();
    });

    test("a model that learns in the background goes back to what was before any answer", async () => {
        const { session } = await api(server, "/sessions", { kind: "class", table: "north" });
        const job = await api(server, `/sessions/${session}/retrain`, {});
        await until(async () => (await api(server, `/jobs/${job.job}`)).state === "done", "it has learnt");
        const name = "class north (behind)";
        const { page, context, faults } = await person(machine, server.address);
        await page.goto(`${server.base}/models`);
        await page.locator(".model-card a").first().click();
        await page.locator(".versions .current").waitFor();
        await page.getByText("before any answer: no class is suggested").waitFor();
        await page.getByRole("button", { name: "Use this one again" }).click();
        await page.getByRole("dialog").getByRole("button", { name: "Use this one again" }).click();
        await until(async () => (await api(server, `/models/${encodeURIComponent(name)}`)).current === 0, "it went back");
        assert.deepEqual(faults, []);
        await context.close();
    });

    test("a group that has a name is a class", async () => {
        const { session } = await api(server, "/sessions", { kind: "group", table: "south" });
        const { page, context, faults } = await person(machine, server.address);
        await page.goto(`${server.base}/label/${session}`);
        await page.locator(".cards .card").first().waitFor({ timeout: TRAINING });
        const cards = await page.locator(".cards .card").count();
        await page.keyboard.press("c");
        await page.keyboard.type("things");
        await page.keyboard.press("Enter");
        await page.keyboard.press("Enter");
        await until(async () => (await api(server, "/labels?shape=class&limit=40")).events.filter((event) => event.value[0] === "things").length === cards + 1, "each has its class");
        assert.equal((await api(server, `/sessions/${session}`)).answers, 1);
        assert.deepEqual(faults, []);
        await context.close();
    });
});
