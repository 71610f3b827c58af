// Looking at data: the map with a line around some records, a cluster split and put together again, tables, and both widths.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { api, browser, person, serve, TRAINING, until, workspace } from "./bench.mjs";

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

/** Draw a circle on the map; `share` of the shorter side is its radius. */
async function circle(page, share) {
    const box = await page.locator("canvas.plane").boundingBox();
    const [x, y, reach] = [box.x + box.width / 2, box.y + box.height / 2, Math.min(box.width, box.height) * share];
    await page.mouse.move(x + reach, y);
    await page.mouse.down();
    for (let step = 1; step <= 40; step += 1) await page.mouse.move(x + reach * Math.cos((step * Math.PI) / 20), y + reach * Math.sin((step * Math.PI) / 20), { steps: 1 });
    await page.mouse.up();
}

const PAGES = ["/", "/data/records", "/label", "/map", "/clusters", "/models", "/people"];

describe("looking", () => {
    test("lasso on the map shows what is inside and labels it", async () => {
        const { page, context, faults } = await person(machine, server.address);
        await page.goto(`${server.base}/map?draw=canvas`);
        await page.locator("canvas.plane[data-kind=canvas][aria-busy=false]").waitFor({ timeout: TRAINING });
        await page.getByRole("button", { name: "Lasso" }).click();
        await page.locator("canvas.plane[style*=crosshair]").waitFor();
        await circle(page, 0.42);
        const caught = page.getByTestId("caught");
        await caught.waitFor();
        const inside = Number((await caught.getByRole("heading", { level: 2 }).innerText()).replace(/\D/g, ""));
        const { count } = await api(server, "/map?table=records");
        assert.ok(inside > 0 && inside <= count, `${inside} of ${count} are inside`);
        await caught.getByLabel("Label all of them as").fill("tools");
        await page.keyboard.press("Enter");
        await caught.waitFor({ state: "detached" });
        await until(async () => (await api(server, "/labels/summary")).counts.class === inside, "as many labels as records inside");
        await page.keyboard.press("v");
        await caught.waitFor();
        assert.deepEqual(faults, []);
        await context.close();
    });

    test("WebGL draws the map under the content security policy, lasso and all", async () => {
        const { page, context, faults } = await person(machine, server.address);
        await page.goto(`${server.base}/map?draw=webgl`);
        await page.locator("canvas.plane[data-kind][aria-busy=false]").waitFor({ timeout: TRAINING });
        await page.getByRole("button", { name: "Lasso" }).click();
        await page.locator("canvas.plane[style*=crosshair]").waitFor();
        await circle(page, 0.42);
        await page.getByTestId("caught").waitFor();
        assert.equal(await page.locator("canvas.plane").getAttribute("data-kind"), "webgl");
        assert.deepEqual(faults, []);
        await context.close();
    });

    test("a cluster is split, and the split is undone", async () => {
        const { clusters } = await api(server, "/clusters?order=largest&limit=1");
        const before_ = await api(server, `/clusters/${clusters[0].cluster}`);
        const { page, context, faults } = await person(machine, server.address);
        await page.goto(`${server.base}/clusters/${clusters[0].cluster}`);
        const rows = page.locator(".records tbody tr");
        await rows.first().waitFor();
        assert.equal(await rows.count(), before_.size);
        await rows.last().getByRole("checkbox").check();
        await page.getByRole("button", { name: "Split off 1" }).click();
        await page.locator(".toast").getByText("Undo").waitFor();
        await until(async () => (await rows.count()) === before_.size - 1 || (await rows.count()) === 1, "one record has left");
        await page.locator(".toast").getByText("Undo").click();
        await until(async () => (await api(server, "/clusters/events")).events.some((event) => event.kind === "split" && event.undone), "the split is taken back");
        await until(async () => (await rows.count()) === before_.size, "all records are together again");
        assert.deepEqual(faults, []);
        await context.close();
    });

    test("a table is sorted, searched, filtered by a facet, and a record leads to similar ones", async () => {
        const { page, context, faults } = await person(machine, server.address);
        await page.goto(`${server.base}/data/records`);
        const rows = page.locator(".grid tbody tr");
        await rows.first().waitFor();
        const total = (await api(server, "/tables/records/rows?limit=1")).total;
        assert.match(await page.locator(".pager").innerText(), new RegExp(total.toLocaleString("en")));
        await page.locator(".grid .sort").nth(1).click();
        await page.locator("th[aria-sort=ascending]").waitFor();
        await page.getByLabel("Search all words").fill("lamp");
        await until(async () => !(await page.locator(".pager").innerText()).includes(total.toLocaleString("en")), "the search narrows");
        await page.locator(".grid .profile").first().click();
        await page.locator(".facets button").first().click();
        await page.locator(".chip.off").first().waitFor();
        await page.goto(`${server.base}/data/records?row=5`);
        await page.getByRole("button", { name: "Similar records" }).click();
        await page.getByText("similar to row 5").waitFor();
        await rows.first().waitFor();
        assert.deepEqual(faults, []);
        await context.close();
    });

    test("every page fits at 400 pixels, names what can be used, and shows where the focus is", async () => {
        const { page, context, faults } = await person(machine, server.address, { viewport: { width: 400, height: 800 } });
        for (const path of PAGES) {
            await page.goto(server.base + path);
            await page.locator("main h1").first().waitFor();
            await page.waitForTimeout(400);
            const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
            assert.ok(over <= 0, `${path} is ${over} pixels too wide`);
            const nameless = await page.evaluate(() => [...document.querySelectorAll("button, a[href], input, select, textarea")].filter((one) => one.checkVisibility() && !(one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length || one.title)).map((one) => one.outerHTML.slice(0, 120)));
            assert.deepEqual(nameless, [], path);
            await page.keyboard.press("Tab");
            const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
            assert.notEqual(outline, "none", `${path} shows no focus`);
        }
        assert.deepEqual(faults, []);
        await context.close();
    });
});
