/** A word that is not used any more. */
export interface RetiredWord {
  /** The word as it is found: whole words, and parts of names in camel case. */
  readonly word: string
  readonly instead: string
  /** Where it is looked for; everywhere if not given. The same word may be plain English elsewhere. */
  readonly within?: RegExp
  /** Names of the code alone, not prose: the word is plain English. */
  readonly namesOnly?: true
}

const core = /^packages\/core\//
const guests = /^packages\/core\/(src|test)\/guests\//
const stores = /^packages\/(store|core)\//
const tools = /^tools\//

/** The words that were renamed, and those that are no plain statement. */
export const retiredWords: readonly RetiredWord[] = [
  { word: 'workplace', instead: 'runtime' },
  { word: 'atWork', instead: 'withRuntime' },
  { word: 'telling', instead: 'event recorder' },
  { word: 'tells', instead: 'say what it does: reports, sends, gives' },
  { word: 'told', instead: 'say what was done: reported, sent' },
  { word: 'wording', instead: 'message, text' },
  { word: 'worded', instead: 'written' },
  { word: 'slot', instead: 'reservation', within: core, namesOnly: true },
  { word: 'takeover', instead: 'session recovery' },
  { word: 'reception', instead: 'accept tokens' },
  { word: 'adoption', instead: 'import token' },
  { word: 'otherwise', instead: 'afterFailure', within: core, namesOnly: true },
  { word: 'standing', instead: 'status' },
  { word: 'lesson', instead: 'feedback' },
  { word: 'taught', instead: 'applyFeedback' },
  { word: 'lane', instead: 'rate-limit key' },
  { word: 'lanes', instead: 'rate-limit keys' },
  { word: 'letters', instead: 'messages', namesOnly: true },
  { word: 'courier', instead: 'delivery worker' },
  { word: 'shelf', instead: 'data-key store' },
  { word: 'vault', instead: 'sealer', within: /^packages\/(store|core)\/src\// },
  { word: 'spelling', instead: 'dialect', within: stores },
  { word: 'guestly', instead: 'guest endpoints' },
  { word: 'torture', instead: 'crash tests' },
  { word: 'ambush', instead: 'fail-point injection' },
  { word: 'crew', instead: 'process pool' },
  { word: 'fate', instead: 'kill plan' },
  { word: 'luck', instead: 'random, jitter' },
  { word: 'weather', instead: 'transient errors, fault script' },
  { word: 'mood', instead: 'fault script' },
  { word: 'scene', instead: 'test environment', within: tools },
  { word: 'mortal', instead: 'killable store' },
  { word: 'people', instead: 'applicants', within: guests, namesOnly: true },
  { word: 'whoever', instead: 'name who' },
  { word: 'nobody', instead: 'no caller, no process' },
  { word: 'somebody', instead: 'name who' },
  { word: 'stands', instead: 'is' },
]
