/** The name of a key: "m", "ArrowLeft", "ctrl+z". */
export function keyName(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">): string {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.altKey) return `alt+${key}`;
    return event.ctrlKey || event.metaKey ? `ctrl+${key}` : key;
}
