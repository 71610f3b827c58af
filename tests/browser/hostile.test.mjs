// Data that means no good, and data that is hardly there: scripts, 10,000 characters, right-to-left text, emojis, empty
// cells, a single row. Every page must show it as text, within 400 pixels, and be usable by the keyboard alone.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { api, browser, begun, person, TRAINING, until } from "./bench.mjs";

const SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>";
const PICTURES = process.env.PICTURES;
let folder;
let server;
let machine;

function csv(name, rows) {
    const path = join(folder, name);
    writeFileSync(path, rows.map((row) => row.map((value) => `"${value.replaceAll('"', '""')}"`).join(",")).join("\n") + "\n");
    return path;
}

before(async () => {
    folder = mkdtempSync(join(tmpdir(), "dovetail-hostile-"));
    const odd = [["1", SCRIPT, "مرحبا بالعالم، هذا نص من اليمين إلى اليسار", "😀👩‍👩‍👧‍👦🏳️‍🌈"], ["2", "x".repeat(10_000), "שלום עולם", "=1+1"], ["3", "", "", ""], ["4", "long ".repeat(2_000), "\u202eevil\u202c", "javascript:alert(1)"], ["5", "%00%0a ../../etc/passwd", "{{constructor.constructor('alert(1)')()}}", "line\nbreak\ttab"]];
    for (let n = 6; n < 60; n += 1) odd.push([String(n), `${SCRIPT} item ${n}`, `نص ${n}`, "😀 ".repeat(n % 7)]);
    const tables = [csv("hostile.csv", [["id", '"quoted", col', "مرحبا", `note ${SCRIPT}`], ...odd]), csv("one.csv", [["id", "text"], ["1", "only one row"]]), csv("blank.csv", [["id", "a", "b"], ...[1, 2, 3, 4].map((n) => [String(n), "", ""])])];
    [server, machine] = await Promise.all([begun(join(folder, "ws"), tables), browser()]);
});
after(async () => {
    await machine?.close();
    await server?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
});

async function visitor(width) {
    const found = await person(machine, server.address, { viewport: { width, height: 820 } });
    found.page.on("dialog", (dialog) => {
        found.faults.push(`a script ran: ${dialog.message()}`);
        void dialog.dismiss();
    });
    return found;
}

async function fits(page, where) {
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(over <= 0, `${where} is ${over} pixels too wide`);
    assert.equal(await page.locator("main script, main img[src=x]").count(), 0, `${where}: a value became markup`);
    if (PICTURES) await page.screenshot({ path: join(PICTURES, `hostile-${where.replaceAll(/[^a-z0-9]+/g, "-")}.png`) });
}

describe("hostile and scarce data", () => {
    for (const width of [400, 1280]) {
        test(`tables show it as text at ${width} pixels`, async () => {
            const { page, context, faults } = await visitor(width);
            for (const [path, ready] of [["/data/hostile", ".grid tbody tr"], ["/data/hostile?row=1", ".values dd"], ["/data/hostile?row=0", ".values dd"], ["/data/hostile?column=%D9%85%D8%B1%D8%AD%D8%A8%D8%A7", ".facets button"], ["/data/one", ".grid tbody tr"], ["/data/blank?row=2", ".grid tbody tr"], ["/data/hostile?q=%3Cscript%3E", "main h1"], ["/", ".steps, .first-step"], ["/map?table=hostile&draw=canvas", "canvas.plane[data-kind]"], ["/map?table=one&draw=canvas", "main h1"]]) {
                await page.goto(server.base + path);
                await page.locator(ready).first().waitFor({ timeout: TRAINING });
                await page.waitForTimeout(250);
                await fits(page, `${width}-${path}`);
            }
            assert.deepEqual(faults, []);
            await context.close();
        });

        test(`sessions show it as text at ${width} pixels`, async () => {
            const { page, context, faults } = await visitor(width);
            for (const [kind, ready] of [["class", "[data-testid=class]"], ["group", "[data-testid=focus]"], ["judgement", "#query"]]) {
                const { session } = await api(server, "/sessions", { kind, table: "hostile" });
                await page.goto(`${server.base}/label/${session}${kind === "group" ? "?row=1" : ""}`);
                await page.locator(ready).first().waitFor({ timeout: TRAINING });
                if (kind === "judgement") {
                    await page.fill("#query", "item <script>");
                    await page.keyboard.press("Enter");
                    await page.locator(".hits li").first().waitFor({ timeout: TRAINING });
                }
                await fits(page, `${width}-${kind}`);
            }
            assert.deepEqual(faults, []);
            await context.close();
        });
    }

    test("a class is named by a script, with the keyboard alone, and stays text", async () => {
        const { page, context, faults } = await visitor(400);
        const { session } = await api(server, "/sessions", { kind: "class", table: "hostile" });
        await page.goto(`${server.base}/label/${session}`);
        await page.locator("[data-testid=class]").waitFor({ timeout: TRAINING });
        await page.keyboard.press("c");
        await page.keyboard.type(SCRIPT);
        await page.keyboard.press("Enter");
        await until(async () => (await api(server, `/sessions/${session}`)).answers === 1, "the answer is kept");
        await page.locator(".choice").filter({ hasText: SCRIPT }).first().waitFor();
        await fits(page, "400-named");
        assert.deepEqual(faults, []);
        await context.close();
    });

    test("what cannot be done with a single row is said in words", async () => {
        await assert.rejects(api(server, "/sessions", { kind: "group", table: "one" }), /422.*two or more/);
        await assert.rejects(api(server, "/sessions", { kind: "pair" }), /409.*no integration|dovetail integrate/);
        const { session } = await api(server, "/sessions", { kind: "class", table: "one" });
        const { page, context, faults } = await visitor(400);
        await page.goto(`${server.base}/label/${session}`);
        await page.locator("[data-testid=class]").waitFor({ timeout: TRAINING });
        await page.keyboard.press("0");
        await page.getByText("Nothing is left to ask").waitFor({ timeout: TRAINING });
        assert.deepEqual(faults, []);
        await context.close();
    });
});
