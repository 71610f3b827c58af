// The language in use. A translation is one more file of the type `Texts`.
import { en, type Texts } from "./texts.en";

export const t: Texts = en;
