/** The token, whether it was pasted alone or as the whole address that the console prints. */
export function tokenIn(text: string): string {
    const found = /token=([^\s&#]+)/.exec(text);
    return (found?.[1] ?? text).trim();
}
