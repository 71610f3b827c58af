// The typed client. Every path and body is checked against web/openapi.json when the page is built.
import createClient from "openapi-fetch";
import type { paths } from "./schema";

/** The server refused; `message` is its own sentence for people. */
export class Refused extends Error {
    constructor(message: string, readonly status: number, readonly kind: string, readonly after: number | null) {
        super(message);
    }
}

/** Nobody answered: the server is stopped or the network is gone. */
export class Unreachable extends Error {}

let csrf = "";

export function useCsrf(value: string | null | undefined): void {
    csrf = value ?? "";
}

async function send(request: Request): Promise<Response> {
    if (request.method !== "GET") {
        request.headers.set("X-CSRF", csrf);
        if (!request.headers.has("Content-Type")) request.headers.set("Content-Type", "application/json");
    }
    try {
        return await fetch(request);
    } catch (fault) {
        if (fault instanceof DOMException && fault.name === "AbortError") throw fault;
        throw new Unreachable("The workbench cannot be reached.");
    }
}

export const http = createClient<paths>({ baseUrl: location.origin, fetch: send, credentials: "same-origin" });

interface Answered<T> {
    readonly data?: T | undefined;
    readonly error?: unknown;
    readonly response: Response;
}

/** The body of an answer, or the server's sentence as a `Refused`. */
export async function got<T>(answer: Promise<Answered<T>>): Promise<T> {
    const { data, error, response } = await answer;
    if (!response.ok) throw refusal(error, response);
    return data as T;
}

export function refusal(error: unknown, response: Response): Refused {
    const said = (error ?? {}) as { error?: unknown; type?: unknown };
    const sentence = typeof said.error === "string" && said.error ? said.error : `The server answered ${response.status}.`;
    const after = Number(response.headers.get("Retry-After") ?? Number.NaN);
    return new Refused(sentence, response.status, typeof said.type === "string" ? said.type : "", Number.isNaN(after) ? null : after);
}

/** Post a JSON body to a path that is only known at run time (the queue keeps paths over a reload). */
export async function post(path: string, body: unknown): Promise<unknown> {
    const response = await send(
        new Request(path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, credentials: "same-origin" }),
    );
    const reply: unknown = await response.json().catch(() => null);
    if (!response.ok) throw refusal(reply, response);
    return reply;
}

/** Bytes with one number of four or two bytes each, as the map sends them. */
export async function bytes(path: string): Promise<ArrayBuffer> {
    const response = await send(new Request(path, { credentials: "same-origin" }));
    if (!response.ok) throw refusal(await response.json().catch(() => null), response);
    return response.arrayBuffer();
}

/** A new key for an answer, unique also where `crypto.randomUUID` is absent (plain http on another machine). */
export function newKey(): string {
    if (crypto.randomUUID) return crypto.randomUUID();
    const parts = crypto.getRandomValues(new Uint32Array(4));
    return [...parts].map((part) => part.toString(16).padStart(8, "0")).join("-");
}
