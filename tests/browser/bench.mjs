// What the tests of the page share: a workspace made once from the example tables, a server on it, and a browser.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const { chromium } = createRequire(join(ROOT, "web/package.json"))("playwright-core");
const PYTHON = resolve(ROOT, process.env.PYTHON ?? ".venv/bin/python");
const NORTH = join(ROOT, "examples/products/north.csv");
const SOUTH = join(ROOT, "examples/products/south.csv");
const DOVETAIL = ["-c", "import sys; from dovetail.cli.main import main; sys.argv[0] = 'dovetail'; main()"];
const ENVIRONMENT = { ...process.env, OMP_NUM_THREADS: "1", OMP_WAIT_POLICY: "passive", PYTHONUNBUFFERED: "1" };

/** Patience in milliseconds for what takes a training; for all else playwright's own is enough. */
export const TRAINING = Number(process.env.PATIENCE ?? 120) * 1000;
export const SOON = Number(process.env.PATIENCE ?? 120) * 250;

/** A folder with the example tables integrated; WORKSPACE names one that was made before. */
export function workspace() {
    const folder = mkdtempSync(join(tmpdir(), "dovetail-browser-"));
    const made = join(folder, "products");
    const before = process.env.WORKSPACE;
    if (before && existsSync(before)) cpSync(before, made, { recursive: true });
    else execFileSync(PYTHON, [...DOVETAIL, "integrate", NORTH, SOUTH, "--out", made], { env: ENVIRONMENT, stdio: ["ignore", "ignore", "inherit"] });
    return { path: made, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function freePort() {
    return new Promise((done, failed) => {
        const probe = createServer();
        probe.once("error", failed);
        probe.listen(0, "127.0.0.1", () => {
            const { port } = probe.address();
            probe.close(() => done(port));
        });
    });
}

/** `dovetail label` on a workspace: its address with the token of an admin. ADDRESS names one that runs already. */
export async function serve(path, port = null, more = []) {
    const there = process.env.ADDRESS;
    if (there) return { address: there, base: new URL(there).origin, port: Number(new URL(there).port), token: there.split("token=")[1], stop: async () => null };
    const chosen = port ?? (await freePort());
    const child = spawn(PYTHON, [...DOVETAIL, "label", path, "--no-browser", "--port", String(chosen), ...more], { env: ENVIRONMENT, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    const address = await new Promise((done, failed) => {
        const timer = setTimeout(() => failed(new Error(`the server did not start: ${said}`)), TRAINING);
        const hear = (chunk) => {
            said += chunk;
            const found = /(http:\/\/\S*#token=[\w-]+)\s/.exec(said.replace(/\x1b\[[0-9;]*m/g, ""));
            if (!found) return;
            clearTimeout(timer);
            done(found[1]);
        };
        child.stdout.on("data", hear);
        child.stderr.on("data", hear);
        child.once("exit", (code) => failed(new Error(`the server ended with ${code}: ${said}`)));
    });
    const base = new URL(address).origin;
    await until(async () => (await fetch(`${base}/api/health`).catch(() => null))?.ok, "the server answers");
    const ended = new Promise((done) => child.once("exit", done));
    return { address, base, port: chosen, token: address.split("token=")[1], stop: (signal = "SIGTERM") => (child.kill(signal), ended) };
}

/** The same on a new workspace that begins with some tables. */
export function begun(path, tables) {
    return serve(path, null, tables.flatMap((table) => ["--add", table]));
}

export async function until(true_, what, patience = TRAINING) {
    const end = Date.now() + patience;
    for (;;) {
        const value = await true_();
        if (value) return value;
        if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
        await new Promise((done) => setTimeout(done, 150));
    }
}

export function browser() {
    return chromium.launch({
        executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
        args: ["--no-sandbox", "--disable-dev-shm-usage", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--force-color-profile=srgb"],
    });
}

/** A person with a browser of their own, logged in. Faults of the page are collected and fail the test that asks. */
export async function person(machine, address, options = {}) {
    const context = await machine.newContext({ viewport: { width: 1280, height: 860 }, reducedMotion: "reduce", ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(SOON);
    const faults = [];
    page.on("pageerror", (fault) => faults.push(String(fault)));
    page.on("console", (line) => line.type() === "error" && !/Failed to load resource|net::ERR|EventSource/.test(line.text()) && faults.push(line.text()));
    await page.goto(address);
    await page.getByRole("heading", { level: 1 }).first().waitFor();
    return { page, context, faults };
}

/** Ask the server as a program does. */
export async function api(server, path, body = null, token = server.token) {
    const reply = await fetch(`${server.base}/api${path}`, {
        method: body ? "POST" : "GET", headers: { authorization: `Bearer ${token}`, ...(body ? { "content-type": "application/json" } : {}) }, body: body ? JSON.stringify(body) : undefined,
    });
    const value = await reply.json();
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${value.error}`);
    return value;
}

/** The number that the page says it has answers of. */
export async function answersShown(page) {
    return Number((await page.getByTestId("answers").innerText()).replaceAll(",", ""));
}
