// The box that asks for a token, where one is needed and missing.
import { useState } from "preact/hooks";
import * as calls from "../api/calls";
import { tokenIn } from "../logic/token";
import { loginAsked, sentenceOf, welcome } from "../state";
import { t } from "../texts";
import { Dialog, Fault, Field } from "./basic";

export function LoginBox() {
    const [text, setText] = useState("");
    const [fault, setFault] = useState<string | null>(null);
    const submit = async (event: Event) => {
        event.preventDefault();
        try {
            welcome(await calls.login(tokenIn(text)));
        } catch (error) {
            setFault(sentenceOf(error));
        }
    };
    return (
        <Dialog title={t.login.title} close={() => void (loginAsked.value = false)}>
            <form onSubmit={submit}>
                <div class="body">
                    <p class="soft">{t.login.about}</p>
                    {fault ? <Fault sentence={fault} /> : null}
                    <Field label={t.login.token}>
                        <input class="input" type="password" autocomplete="off" autofocus value={text} onInput={(event) => setText(event.currentTarget.value)} />
                    </Field>
                </div>
                <footer><button type="submit" class="button main" disabled={!text.trim()}>{t.login.button}</button></footer>
            </form>
        </Dialog>
    );
}
