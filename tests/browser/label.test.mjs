// Labelling as people do it: by keyboard, two at once, with a connection that breaks and a browser that is closed.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { answersShown, api, browser, person, serve, SOON, TRAINING, until, workspace } from "./bench.mjs";

let place;
let server;
let machine;

before(async () => {
    place = workspace();
    [server, machine] = await Promise.all([serve(place.path), browser()]);
});
after(async () => {
    await machine?.close();
    await server?.stop();
    place?.remove();
});

async function session(kind, more = {}) {
    return (await api(server, "/sessions", { kind, ...more })).session;
}

/** What a careful person says: the same brand and a shared model number. */
function verdict(item) {
    const words = (record) => new Set((record.values.join(" ").toUpperCase().match(/[A-Z0-9]+/g) ?? []).filter((word) => /\d/.test(word) && word.length > 2));
    const [left, right] = [words(item.left), words(item.right)];
    return [...left].some((word) => right.has(word)) ? "m" : "n";
}

async function pairShown(page) {
    return page.getByTestId("pair").getAttribute("data-item");
}

/** Answer the pair on the screen with a key and wait for the next one. */
async function press(page, key) {
    const item = await pairShown(page);
    await page.keyboard.press(key);
    await page.waitForFunction((old) => document.querySelector("[data-testid=pair]")?.getAttribute("data-item") !== old, item);
    return item;
}

describe("labelling", () => {
    test("a match session by keyboard from start to a model that has learnt", async () => {
        const { page, context, faults } = await person(machine, server.address);
        await page.keyboard.press("Alt+3");
        await page.getByRole("heading", { name: "Label", exact: true }).waitFor();
        await page.getByRole("button", { name: /^Pairs/ }).focus();
        await page.keyboard.press("Enter");
        await page.getByRole("button", { name: "Start" }).focus();
        await page.keyboard.press("Enter");
        await page.getByTestId("pair").waitFor();
        assert.equal(await page.locator(".why").count(), 0, "what the model thinks is folded at first");
        await until(async () => {
            // A key that is pressed before the page listens is lost, as it is for a person, who presses again.
            if ((await page.locator(".why").count()) === 0) await page.keyboard.press("e");
            return (await page.locator(".why").count()) > 0;
        }, "the explanation opens");
        await page.locator(".why-lines li").first().waitFor({ timeout: TRAINING });
        await page.keyboard.press("e");

        const id = new URL(page.url()).pathname.split("/").at(-1);
        const first = await press(page, "u");
        await page.keyboard.press("z");
        await page.waitForFunction((item) => document.querySelector("[data-testid=pair]")?.getAttribute("data-item") === item, first);
        await until(async () => (await answersShown(page)) === 0, "undo is counted");

        for (let count = 0; count < 26; count += 1) {
            const { items } = await api(server, `/sessions/${id}/items/${await pairShown(page)}`);
            await press(page, verdict(items[0]));
        }
        await until(async () => (await answersShown(page)) >= 26, "every answer is counted");
        await page.getByTestId("effect").waitFor({ timeout: TRAINING });
        const progress = await api(server, `/sessions/${id}/progress`);
        assert.ok(progress.version >= 1, "a model was made from the answers");
        assert.ok((await page.getByTestId("effect").innerText()).length > 10);
        assert.deepEqual(faults, []);
        await context.close();
    });

    test("a similarity session: all but one", async () => {
        const { page, context, faults } = await person(machine, server.address);
        const id = await session("group", { table: "records" });
        await page.goto(`${server.base}/label/${id}?row=3`);
        const focus = page.getByTestId("focus");
        await focus.waitFor();
        const item = await focus.getAttribute("data-item");
        const cards = page.locator(".cards .card");
        assert.ok((await cards.count()) >= 10);
        if ((await page.locator(".cards .card[aria-pressed=true]").count()) === 0) await page.getByRole("button", { name: "Take all in" }).click();
        const chosen = page.locator(".cards .card[aria-pressed=true]");
        const many = await chosen.count();
        await chosen.last().focus();
        await page.keyboard.press("Space");
        assert.equal(await chosen.count(), many - 1);
        await page.evaluate(() => document.activeElement.blur());
        await page.keyboard.press("Enter");
        await page.waitForFunction((old) => document.querySelector("[data-testid=focus]")?.getAttribute("data-item") !== old, item);
        await until(async () => (await api(server, `/sessions/${id}/progress`)).answers >= 1, "the group is kept");
        assert.deepEqual(faults, []);
        await context.close();
    });

    test("two people at once get different questions, and no answer is lost or doubled", async () => {
        const bo = await api(server, "/people", { person: "bo", role: "label" });
        const id = await session("pair");
        const one = await person(machine, server.address);
        const two = await person(machine, `${server.base}/#token=${bo.token}`);
        const seen = [];
        await Promise.all([one, two].map(async ({ page }) => {
            await page.goto(`${server.base}/label/${id}`);
            await page.getByTestId("pair").waitFor();
            for (let count = 0; count < 8; count += 1) seen.push(await press(page, count % 2 ? "n" : "u"));
        }));
        await until(async () => (await api(server, `/sessions/${id}/progress`)).answers >= 16, "sixteen answers");
        const progress = await api(server, `/sessions/${id}/progress`);
        assert.equal(progress.answers, 16);
        assert.deepEqual(Object.values(progress.by_person).sort(), [8, 8]);
        assert.ok(new Set(seen).size >= 12, "few questions are asked twice, and those for agreement");
        assert.deepEqual([...one.faults, ...two.faults], []);
        await Promise.all([one.context.close(), two.context.close()]);
    });

    test("a lost connection and a closed browser lose nothing", async () => {
        const id = await session("pair");
        const { page, context } = await person(machine, server.address);
        await page.goto(`${server.base}/label/${id}`);
        await page.getByTestId("pair").waitFor();
        await press(page, "n");
        await until(async () => (await api(server, `/sessions/${id}/progress`)).answers === 1, "the first is kept");
        await context.route("**/answers", (route) => route.abort());
        await press(page, "n");
        await press(page, "m");
        await page.getByText("Nothing is lost").waitFor({ timeout: SOON });
        assert.equal((await api(server, `/sessions/${id}/progress`)).answers, 1);
        await page.close();

        await context.unroute("**/answers");
        const again = await context.newPage();
        await again.goto(`${server.base}/label/${id}`);
        await until(async () => (await api(server, `/sessions/${id}/progress`)).answers === 3, "the rest is sent by the page that is opened next");
        await again.getByTestId("pair").waitFor();
        await until(async () => (await answersShown(again)) === 3, "and counted there");
        await context.close();
    });

    test("a value from data is never markup", async () => {
        const { page, context, faults } = await person(machine, server.address);
        await page.goto(`${server.base}/data/records?q=${encodeURIComponent("<img src=x onerror=alert(1)>")}`);
        await page.getByRole("heading", { level: 1 }).waitFor();
        await page.locator("#search").waitFor();
        assert.equal(await page.locator("img").count(), 0);
        assert.deepEqual(faults, []);
        await context.close();
    });
});
