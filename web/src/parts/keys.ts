// Keys. They are not taken while somebody writes in a field, and never together with Ctrl, Alt or Meta unless named so.
import { useEffect, useRef } from "preact/hooks";
import { keyName } from "./keyname";

export type Keys = Record<string, (event: KeyboardEvent) => void>;

function writing(target: EventTarget | null): boolean {
    return target instanceof Element && !!target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
}

/** Listen to keys for as long as the part is shown; a dialog that is open keeps them for itself. */
export function useKeys(keys: Keys, active = true): void {
    const latest = useRef(keys);
    latest.current = keys;
    useEffect(() => {
        if (!active) return undefined;
        const heard = (event: KeyboardEvent) => {
            if (event.defaultPrevented || event.isComposing || writing(event.target) || document.querySelector("dialog[open]")) return;
            const name = keyName(event);
            const onControl = event.target instanceof Element && !!event.target.closest("button, a, summary, [role=option], input");
            if (onControl && (name === "Enter" || name === " ")) return;
            const act = latest.current[name];
            if (!act) return;
            event.preventDefault();
            act(event);
        };
        addEventListener("keydown", heard);
        return () => removeEventListener("keydown", heard);
    }, [active]);
}
