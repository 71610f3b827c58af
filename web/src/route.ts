// Where we are: a path and its query, as a signal. Every page has an address that can be kept, sent and reloaded.
import { signal } from "@preact/signals";

export interface Place {
    readonly parts: readonly string[];
    readonly query: URLSearchParams;
}

function read(): Place {
    const parts = location.pathname.split("/").filter(Boolean).map(decodeURIComponent);
    return { parts, query: new URLSearchParams(location.search) };
}

export const place = signal<Place>(read());

type Query = Record<string, string | number | null | undefined>;

/** The address of a page; parts are escaped, empty values of the query are left out. */
export function address(parts: readonly (string | number)[], query: Query = {}): string {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
        if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
    }
    const tail = search.size ? `?${search}` : "";
    return `/${parts.map((part) => encodeURIComponent(part)).join("/")}${tail}`;
}

/** Go to an address; `replace` leaves no entry in the history (for filters and the like). */
export function go(to: string, replace = false): void {
    if (to === location.pathname + location.search) return;
    if (replace) history.replaceState(null, "", to);
    else history.pushState(null, "", to);
    const before = place.value.parts.join("/");
    place.value = read();
    if (!replace && before !== place.value.parts.join("/")) arrive();
}

/** A new page begins at its top, and screen readers and the Tab key begin there too. */
function arrive(): void {
    scrollTo(0, 0);
    requestAnimationFrame(() => document.querySelector<HTMLElement>("main")?.focus({ preventScroll: true }));
}

addEventListener("popstate", () => {
    place.value = read();
});

/** Links inside the page are followed without loading it again; those with a modifier key are left to the browser. */
addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.("a");
    if (!link || link.target || link.origin !== location.origin || link.hasAttribute("download")) return;
    if (link.pathname.startsWith("/api/") || link.getAttribute("href")?.startsWith("#")) return;
    event.preventDefault();
    go(link.pathname + link.search);
});
