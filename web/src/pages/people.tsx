// People: who may do what, how far they agree, and who did what.
import { useState } from "preact/hooks";
import * as calls from "../api/calls";
import type { LabelSummary, Person, Role } from "../api/types";
import { Dialog, Empty, Fault, Field, PageHead, Pager, Select, Shown } from "../parts/basic";
import { Icon } from "../parts/icons";
import { useChanged, useLoad } from "../parts/load";
import { ago, figure, score } from "../logic/format";
import { attempt, may, me } from "../state";
import { t } from "../texts";
import { Odd } from "./odd";
import { Settle } from "./settle";

const ROLES: readonly Role[] = ["label", "curate", "admin"];
const LIMIT = 50;
interface Shown { readonly person: string; readonly token: string }

export function PeoplePage() {
    const [token, setToken] = useState<Shown | null>(null);
    return (
        <>
            <PageHead title={t.people.title} about={t.people.about} />
            <div class="stack wide">
                <Settle />
                <Odd />
                {may("admin") ? <Everybody show={setToken} /> : <div class="notice"><Icon name="people" />{me.value?.person ? t.people.onlyAdmin : t.people.logIn}</div>}
                <Agreement />
                {may("admin") ? <Audit /> : null}
            </div>
            {token ? <Token shown={token} close={() => setToken(null)} /> : null}
        </>
    );
}

function Everybody({ show }: { show: (shown: Shown) => void }) {
    const people = useLoad(calls.people, []);
    const [name, setName] = useState("");
    const [role, setRole] = useState<Role>("label");
    const invite = async (event: Event) => {
        event.preventDefault();
        const made = await attempt(() => calls.invite(name.trim(), role));
        if (!made) return;
        setName("");
        people.reload();
        show(made);
    };
    return (
        <section class="sheet">
            <header><h2>{t.people.everybody}</h2></header>
            <Shown from={people} lines={3}>
                {(all) => (
                    <div class="scroll-x" tabIndex={0} role="region" aria-label={t.people.everybody}>
                        <table class="lines people">
                            <thead><tr><th>{t.people.name}</th><th>{t.people.role}</th><th class="number">{t.people.labels}</th><th>{t.people.seen}</th><th /></tr></thead>
                            <tbody>{all.map((one) => <OnePerson key={one.person} one={one} show={show} reload={people.reload} />)}</tbody>
                        </table>
                    </div>
                )}
            </Shown>
            <form class="row pad invite" onSubmit={invite}>
                <input class="input grow" aria-label={t.people.newName} placeholder={t.people.newName} maxLength={100} value={name} onInput={(event) => setName(event.currentTarget.value)} />
                <div><Select label={t.people.role} value={role} choices={ROLES.map((value) => ({ value, label: t.people.roles[value] }))} onPick={(value) => setRole(value as Role)} /></div>
                <button type="submit" class="button main" disabled={!name.trim()}><Icon name="plus" />{t.people.invite}</button>
            </form>
        </section>
    );
}

function OnePerson({ one, show, reload }: { one: Person; show: (shown: Shown) => void; reload: () => void }) {
    const mine = one.person === me.value?.person;
    const change = async (what: { role?: Role; active?: boolean }) => {
        if (await attempt(() => calls.changePerson(one.person, what))) reload();
    };
    const renew = async () => {
        const made = await attempt(() => calls.newToken(one.person));
        if (made) show(made);
    };
    return (
        <tr class={one.active ? "" : "inactive"}>
            <th scope="row">{one.person} {mine ? <span class="chip accent">{t.people.you}</span> : null}</th>
            <td>{mine ? t.people.roles[one.role] : <Select label={t.people.roleOf(one.person)} value={one.role} choices={ROLES.map((value) => ({ value, label: t.people.roles[value] }))} onPick={(value) => void change({ role: value as Role })} />}</td>
            <td class="number">{figure(one.labels)}</td>
            <td class="soft">{one.last_seen ? ago(one.last_seen) : t.people.never}</td>
            <td><div class="row">{mine ? null : (
                <>
                    <button type="button" class="button small" onClick={renew}>{t.people.newToken}</button>
                    <button type="button" class={one.active ? "button small danger" : "button small"} onClick={() => void change({ active: !one.active })}>{one.active ? t.people.shut : t.people.open}</button>
                </>
            )}</div></td>
        </tr>
    );
}

function Token({ shown, close }: { shown: Shown; close: () => void }) {
    const [copied, setCopied] = useState(false);
    const link = `${location.origin}/#token=${shown.token}`;
    const copy = () => navigator.clipboard?.writeText(link).then(() => setCopied(true), () => setCopied(false));
    return (
        <Dialog title={t.people.tokenOf(shown.person)} close={close}>
            <div class="body">
                <p>{t.people.tokenAbout}</p>
                <Field label={t.people.link}><textarea class="input mono" readOnly rows={3} value={link} onFocus={(event) => event.currentTarget.select()} /></Field>
            </div>
            <footer><button type="button" class="button" onClick={copy}>{copied ? t.people.copied : t.people.copy}</button><button type="button" class="button main" onClick={close}>{t.people.kept}</button></footer>
        </Dialog>
    );
}

function Agreement() {
    const summary = useLoad(calls.labelSummary, []);
    useChanged(["labels"], summary.reload);
    return (
        <section class="sheet">
            <header><h2>{t.people.agreement}</h2></header>
            <Shown from={summary} lines={2}>{(data) => <Agreed summary={data} />}</Shown>
        </section>
    );
}

function Agreed({ summary }: { summary: LabelSummary }) {
    if (!summary.agreement.length && !summary.gold.length) return <p class="pad soft">{t.people.noAgreement}</p>;
    return (
        <div class="stack pad">
            {summary.agreement.length ? <p class="soft small">{t.people.alphaAbout}</p> : null}
            {summary.agreement.map((one) => (
                <div class="stack tight">
                    <p><strong>{t.home.kinds[one.shape as keyof typeof t.home.kinds] ?? one.shape}</strong> · {one.alpha.value === null ? t.people.alphaNone(one.subjects) : t.people.alpha(score(one.alpha.value), score(one.alpha.low), score(one.alpha.high), one.subjects)}</p>
                    {one.kappa.filter((pair) => pair.kappa.value !== null).map((pair) => <p class="small soft">{t.people.kappa(pair.people.join(" – "), score(pair.kappa.value), pair.subjects)}</p>)}
                </div>
            ))}
            {summary.gold.map((one) => <p class="small">{t.people.gold(one.person, one.right, one.asked)}</p>)}
        </div>
    );
}

function Audit() {
    const [offset, setOffset] = useState(0);
    const [person, setPerson] = useState("");
    const page = useLoad(() => calls.audit(offset, LIMIT, person), [offset, person]);
    return (
        <section class="sheet">
            <header>
                <h2>{t.people.audit}</h2>
                <input class="input audit-who" aria-label={t.people.onlyOf} placeholder={t.people.onlyOf} value={person} onChange={(event) => { setPerson(event.currentTarget.value.trim()); setOffset(0); }} />
            </header>
            {page.fault ? <Fault sentence={page.fault} again={page.reload} /> : null}
            {page.data ? (
                page.data.entries.length ? (
                    <>
                        <div class="scroll-x" tabIndex={0} role="region" aria-label={t.people.audit}>
                            <table class="lines small">
                                <thead><tr><th>{t.people.when}</th><th>{t.people.name}</th><th>{t.people.did}</th><th>{t.people.about2}</th></tr></thead>
                                <tbody>{page.data.entries.map((one) => <tr><td class="soft" title={one.at}>{ago(one.at)}</td><td>{one.person}</td><td>{one.what}</td><td><code>{one.about}</code> <span class="soft">{one.detail}</span></td></tr>)}</tbody>
                            </table>
                        </div>
                        <div class="pad"><Pager offset={offset} limit={LIMIT} total={page.data.total} onGo={setOffset} /></div>
                    </>
                ) : <Empty icon="people" title={t.people.noAudit} />
            ) : null}
        </section>
    );
}
