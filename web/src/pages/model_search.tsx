// A trained searcher, asked: a query, filters, and its answers with the words that carried them.
import { useEffect, useState } from "preact/hooks";
import * as calls from "../api/calls";
import type { SearchHit } from "../api/types";
import { score } from "../logic/format";
import { conditionsOf, markedParts } from "../logic/marks";
import { Empty } from "../parts/basic";
import { Icon } from "../parts/icons";
import { address, go, place } from "../route";
import { attempt } from "../state";
import { t } from "../texts";

const STEP = 10;
const MOST = 100;

export function SearchModel({ model }: { model: string }) {
    const [query, setQuery] = useState(place.value.query.get("q") ?? "");
    const [where, setWhere] = useState("");
    const [asked, setAsked] = useState<{ query: string; where: string; k: number } | null>(null);
    const [hits, setHits] = useState<readonly SearchHit[] | null>(null);
    const [busy, setBusy] = useState(false);
    const ask = async (next: { query: string; where: string; k: number }) => {
        setBusy(true);
        const conditions = conditionsOf(next.where);
        const found = await attempt(() => calls.search(model, next.query, next.k, conditions));
        setBusy(false);
        if (!found) return;
        setAsked(next);
        setHits(found.queries[0]?.hits ?? []);
        go(address(["models", model], { q: next.query }), true);
    };
    useEffect(() => {
        if (query.trim()) void ask({ query: query.trim(), where, k: STEP }); // an address with a query is a bookmark of its answers
    }, [model]);
    const submit = (event: Event) => {
        event.preventDefault();
        if (query.trim()) void ask({ query: query.trim(), where, k: STEP });
    };
    return (
        <div class="stack">
            <form class="row ask" onSubmit={submit} aria-busy={busy}>
                <label class="search grow">
                    <Icon name="search" />
                    <span class="hidden">{t.models.search.query}</span>
                    <input id="query" class="input" type="search" maxLength={2000} placeholder={t.models.search.query} value={query} onInput={(event) => setQuery(event.currentTarget.value)} />
                </label>
                <label class="grow">
                    <span class="hidden">{t.models.search.where}</span>
                    <input class="input" type="text" maxLength={2000} title={t.models.search.where} placeholder={t.models.search.whereHint} value={where} onInput={(event) => setWhere(event.currentTarget.value)} />
                </label>
                <button type="submit" class="button main" disabled={!query.trim() || busy}>{t.models.search.ask}</button>
            </form>
            {hits === null ? <p class="soft small">{t.models.search.about}</p> : hits.length ? (
                <>
                    <p class="soft small" role="status">{t.models.search.hits(hits.length)}</p>
                    <ol class="hits" data-testid="answers">{hits.map((hit) => <Answer hit={hit} />)}</ol>
                    {asked && hits.length === asked.k && asked.k < MOST ? <p><button type="button" class="button" disabled={busy} onClick={() => ask({ ...asked, k: Math.min(MOST, asked.k + STEP) })}>{t.models.search.more}</button></p> : null}
                </>
            ) : <div class="sheet"><Empty icon="search" title={t.models.search.nothing}><p>{t.models.search.nothingAbout}</p></Empty></div>}
        </div>
    );
}

function Answer({ hit }: { hit: SearchHit }) {
    const fields = Object.entries(hit.fields ?? {});
    const parts = Object.entries(hit.parts ?? {}).map(([name, value]) => `${t.models.search.parts[name] ?? name} ${score(value)}`);
    return (
        <li class="sheet">
            <div class="grow stack tight">
                <div class="row apart"><strong dir="auto">{hit.title || hit.id}</strong><span class="soft small tab-figures" title={t.models.search.relevance}>{score(hit.score)}</span></div>
                <p class="passage" dir="auto">{markedParts(hit.passage ?? "", hit.marks ?? []).map((part) => part.marked ? <mark>{part.text}</mark> : part.text)}</p>
                <p class="tiny soft">{[hit.title ? hit.id : "", ...parts, ...fields.map(([name, value]) => `${name}: ${value}`)].filter(Boolean).join(" · ")}</p>
            </div>
        </li>
    );
}
