// The frame around every page: where one can go, who is here, what waits and what runs.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Dialog, Fault, Ghost, Key } from "./parts/basic";
import { Icon, type IconName, Mark } from "./parts/icons";
import { useKeys } from "./parts/keys";
import { LoginBox } from "./parts/login";
import { Working } from "./parts/jobs";
import { ClustersPage } from "./pages/clusters";
import { DataPage } from "./pages/data";
import { HomePage } from "./pages/home";
import { LabelPage } from "./pages/label";
import { MapPage } from "./pages/map";
import { ModelsPage } from "./pages/models";
import { PeoplePage } from "./pages/people";
import { address, go, place } from "./route";
import { enter, jobs, listen, loginAsked, me, queue, queueState, reachable, sentenceOf, setTheme, theme, toasts, unsay } from "./state";
import { t } from "./texts";

interface Page {
    readonly name: keyof typeof t.nav;
    readonly path: string;
    readonly icon: IconName;
    readonly key: string;
    readonly shown: ComponentType;
}

const PAGES: readonly Page[] = [
    { name: "home", path: "", icon: "home", key: "1", shown: HomePage },
    { name: "data", path: "data", icon: "data", key: "2", shown: DataPage },
    { name: "label", path: "label", icon: "label", key: "3", shown: LabelPage },
    { name: "map", path: "map", icon: "map", key: "4", shown: MapPage },
    { name: "clusters", path: "clusters", icon: "clusters", key: "5", shown: ClustersPage },
    { name: "models", path: "models", icon: "models", key: "6", shown: ModelsPage },
    { name: "people", path: "people", icon: "people", key: "7", shown: PeoplePage },
];

export function App() {
    const [fault, setFault] = useState<string | null>(null);
    const [open, setOpen] = useState(false);
    const [help, setHelp] = useState(false);
    const here = PAGES.find((page) => page.path === (place.value.parts[0] ?? ""));
    const start = () => {
        setFault(null);
        enter().catch((error: unknown) => setFault(sentenceOf(error)));
    };
    useEffect(start, []);
    const ready = me.value !== null && !(loginAsked.value && !me.value.person && !me.value.loopback);
    useEffect(() => (ready ? listen() : undefined), [ready, me.value?.person]);
    useEffect(() => setOpen(false), [place.value]);
    const jumps = Object.fromEntries(PAGES.map((page) => [`alt+${page.key}`, () => go(address([page.path].filter(Boolean)))]));
    useKeys({ "?": () => setHelp(true), ...jumps });
    const Shown = here?.shown;
    return (
        <>
            <a class="skip button" href="#main" onClick={toMain}>{t.skip}</a>
            <div class="shell">
                <Top open={open} setOpen={setOpen} />
                {open ? <button type="button" class="veil" aria-label={t.close} onClick={() => setOpen(false)} /> : null}
                <Side open={open} here={here} showHelp={() => setHelp(true)} />
                <div>
                    <Banner />
                    <main id="main" tabIndex={-1} class={here?.path === "map" || here?.path === "data" ? "full" : ""}>
                        {fault ? <Fault sentence={fault} again={start} /> : null}
                        {!ready && !fault ? <Ghost lines={5} /> : null}
                        {ready && Shown ? <Shown /> : null}
                        {ready && !Shown ? <Lost /> : null}
                    </main>
                </div>
            </div>
            <Toasts />
            {loginAsked.value ? <LoginBox /> : null}
            {help ? <Help close={() => setHelp(false)} /> : null}
        </>
    );
}

function toMain(event: Event): void {
    event.preventDefault();
    document.getElementById("main")?.focus();
}

function Lost() {
    return (
        <div class="empty">
            <h1>{t.lost}</h1>
            <a class="button" href="/">{t.nav.home}</a>
        </div>
    );
}

function Top({ open, setOpen }: { open: boolean; setOpen: (open: boolean) => void }) {
    return (
        <div class="top">
            <a class="brand" href="/"><Mark /><span>Dovetail</span> <span class="where">{me.value?.workspace}</span></a>
            <button type="button" class="icon-button" aria-label={t.menu} aria-expanded={open} onClick={() => setOpen(!open)}>
                <Icon name={open ? "close" : "menu"} />
            </button>
        </div>
    );
}

function Side({ open, here, showHelp }: { open: boolean; here: Page | undefined; showHelp: () => void }) {
    return (
        <div class={open ? "side open" : "side"}>
            <a class="brand" href="/"><Mark /> Dovetail</a>
            <div class="where" title={me.value?.workspace}>{me.value?.workspace ?? " "}</div>
            <nav aria-label={t.menu}>
                {PAGES.map((page) => (
                    <a href={address([page.path].filter(Boolean))} aria-current={page === here ? "page" : undefined}>
                        <Icon name={page.icon} />{t.nav[page.name]}
                    </a>
                ))}
            </nav>
            <Working jobs={[...jobs.value.values()]} />
            <div class="foot">
                <div class="who">
                    {me.value?.person ? (
                        <><strong>{me.value.person}</strong><br /><span class="soft">{me.value.role ? t.people.roles[me.value.role] : ""}</span></>
                    ) : (
                        <button type="button" class="button small" onClick={() => void (loginAsked.value = true)}>{t.login.button}</button>
                    )}
                </div>
                <div class="row" style={{ gap: 0, flexWrap: "nowrap" }}>
                    <button type="button" class="icon-button" aria-label={t.keys.title} title={t.keys.title} onClick={showHelp}><Icon name="keys" /></button>
                    <ThemeButton />
                </div>
            </div>
        </div>
    );
}

function ThemeButton() {
    const next = { system: "light", light: "dark", dark: "system" } as const;
    const icon = { system: "auto", light: "sun", dark: "moon" } as const;
    const label = t.theme[theme.value];
    return (
        <button type="button" class="icon-button" aria-label={label} title={label} onClick={() => setTheme(next[theme.value])}>
            <Icon name={icon[theme.value]} />
        </button>
    );
}

function Banner() {
    const { waiting, connected, kept } = queueState.value;
    const away = !reachable.value || !connected;
    return (
        <div role="status">
            {away ? (
                <div class="banner">
                    <Icon name="offline" />
                    <span>{t.queue.away(waiting, kept)}</span>
                    <button type="button" class="button small" onClick={() => queue.wake()}>{t.queue.now}</button>
                </div>
            ) : null}
        </div>
    );
}

function Toasts() {
    return (
        <div class="toasts" role="status" aria-live="polite">
            {toasts.value.map((toast) => (
                <div key={toast.id} class={toast.tone === "bad" ? "toast bad" : "toast"}>
                    <span>{toast.sentence}</span>
                    {toast.action ? <button type="button" onClick={() => { toast.action?.run(); unsay(toast.id); }}>{toast.action.label}</button> : null}
                    {toast.tone === "bad" ? <button type="button" onClick={() => unsay(toast.id)}>{t.close}</button> : null}
                </div>
            ))}
        </div>
    );
}

function Help({ close }: { close: () => void }) {
    return (
        <Dialog title={t.keys.title} close={close}>
            <div class="body">
                {t.keys.groups.map((group) => (
                    <section class="stack tight">
                        <h3>{group.title}</h3>
                        <dl class="key-list">
                            {group.keys.map(([keys, what]) => (
                                <div><dt>{keys.split(" ").map((key) => <Key name={key} />)}<span class="hidden">{keys}</span></dt><dd>{what}</dd></div>
                            ))}
                        </dl>
                    </section>
                ))}
            </div>
        </Dialog>
    );
}
