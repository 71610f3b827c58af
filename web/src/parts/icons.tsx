// Icons of 18 pixels, drawn by hand with one stroke; they only decorate, so that screen readers pass them by.
const PATHS = {
    home: "M3 8.5 9 3.5l6 5V15H3zM7 15v-4h4v4",
    data: "M3 4h12v10H3zM3 7.5h12M7 7.5V14M3 11h12",
    label: "M3 4.5h6l6 6-5 5-7-6zM6.2 7.6h.01",
    map: "M5 12.5h.01M8 7h.01M12 9.5h.01M13.5 5h.01M10.5 13.5h.01M5 5h.01M14 13h.01M8.2 10.6h.01",
    clusters: "M9 3.5a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM4.5 10.5a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM13.5 10.5a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM8 7.3l-2.4 3.4M10 7.3l2.4 3.4M6.5 12.5h5",
    models: "M9 2.8 15 6v6l-6 3.2L3 12V6zM3 6l6 3.2L15 6M9 9.2v6",
    people: "M6.8 8.2a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6zM2.8 14.5c0-2.4 1.7-4 4-4s4 1.6 4 4M11.5 3.9a2.2 2.2 0 0 1 0 4.1M12.6 10.8c1.6.5 2.6 1.9 2.6 3.7",
    menu: "M3 5h12M3 9h12M3 13h12",
    close: "M4.5 4.5l9 9M13.5 4.5l-9 9",
    sun: "M9 6a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM9 2v1.5M9 14.5V16M2 9h1.5M14.5 9H16M4 4l1.1 1.1M12.9 12.9 14 14M14 4l-1.1 1.1M5.1 12.9 4 14",
    moon: "M14.5 10.6A6 6 0 0 1 7.4 3.5a6 6 0 1 0 7.1 7.1z",
    auto: "M9 3a6 6 0 1 0 0 12zM9 3a6 6 0 0 1 0 12",
    search: "M8 3.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM11.5 11.5 15 15",
    undo: "M4 7.5h7a3.5 3.5 0 0 1 0 7H7M4 7.5l3-3M4 7.5l3 3",
    warn: "M9 3 16 15H2zM9 7.5v3.5M9 13h.01",
    check: "M3.5 9.5l3.5 3.5 7.5-8",
    cross: "M5 5l8 8M13 5l-8 8",
    question: "M6.5 6.8a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.8-1.1 1.6M9 13.4h.01",
    left: "M11 4 6 9l5 5",
    right: "M7 4l5 5-5 5",
    down: "M4 7l5 5 5-5",
    up: "M4 11l5-5 5 5",
    similar: "M6.5 5a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM11.5 5a4 4 0 1 1 0 8 4 4 0 0 1 0-8z",
    filter: "M3 4.5h12L10.5 10v4.5l-3-1.5v-3z",
    lasso: "M9 4c3.3 0 6 1.6 6 3.7s-2.7 3.7-6 3.7-6-1.6-6-3.7S5.7 4 9 4zM6 11.2c-1 .7-.8 2.2.3 2.3 1.2.1 1.2-1.6.2-2.2M5.6 13.4l-1 1.6",
    move: "M9 2.5v13M2.5 9h13M9 2.5 7 4.5M9 2.5l2 2M9 15.5l-2-2M9 15.5l2-2M2.5 9l2-2M2.5 9l2 2M15.5 9l-2-2M15.5 9l-2 2",
    split: "M9 15V9M9 9 4.5 4M9 9l4.5-5M4.5 4v3M4.5 4h3M13.5 4v3M13.5 4h-3",
    merge: "M9 3v6M9 9l-4.5 5M9 9l4.5 5",
    clock: "M9 3a6 6 0 1 1 0 12A6 6 0 0 1 9 3zM9 6v3.3l2 1.4",
    eye: "M2.5 9S5 4.8 9 4.8 15.5 9 15.5 9 13 13.2 9 13.2 2.5 9 2.5 9zM9 7a2 2 0 1 1 0 4 2 2 0 0 1 0-4z",
    plus: "M9 4v10M4 9h10",
    keys: "M2.5 5h13v8h-13zM5 7.7h.01M7.7 7.7h.01M10.4 7.7h.01M13 7.7h.01M6 10.4h6",
    offline: "M2.5 7a10 10 0 0 1 3-1.8M15.5 7A10 10 0 0 0 8.6 4.4M5 9.8a6 6 0 0 1 2.2-1.3M13 9.8a6 6 0 0 0-1.7-1.1M9 13h.01M3 3l12 12",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
    const bold = name === "map" ? 2.6 : 1.5;
    return (
        <svg width={size} height={size} viewBox="0 0 18 18" fill="none" stroke="currentColor" stroke-width={bold} stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
            <path d={PATHS[name]} />
        </svg>
    );
}

/** The mark of the house: the tail of a dovetail joint. */
export function Mark({ size = 22 }: { size?: number }) {
    return (
        <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="7" fill="currentColor" />
            <path d="M6 8h7l-2 8h10l-2-8h7v16H6z" fill="var(--paper)" />
        </svg>
    );
}
