/** A word that is not used any more. */
export interface RetiredWord {
  /** The word as it is found: whole words, and parts of names in camel case. */
  readonly word: string
  readonly instead: string
  /** Where it is looked for; everywhere if not given. The same word may be plain English elsewhere. */
  readonly within?: RegExp
  /** Files that keep it, as a name of stored data that cannot change. */
  readonly except?: RegExp
  /** Names that have the word with its meaning in the field. */
  readonly terms?: RegExp
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
  {
    word: 'standing',
    instead: 'status',
    except:
      /^(bench\/filled-(store|postgres)|packages\/store\/(src\/sql\/|src\/postgres\/(first-migration|schema)|test\/.*wal-scrubber)|packages\/(core\/src\/(stores\/store-text|tokens\/access\/connection-views)|runtime\/src\/documents)\.)/,
  },
  { word: 'lesson', instead: 'feedback' },
  { word: 'taught', instead: 'applyFeedback' },
  {
    word: 'lane',
    instead: 'rate-limit key',
    except:
      /^packages\/store\/src\/(sql\/(migrations\/migrations|rate-limit-buckets|schema)|postgres\/(first-migration|schema)|move\/tables)\./,
  },
  { word: 'lanes', instead: 'rate-limit keys' },
  { word: 'letters', instead: 'messages', terms: /deadLetters|DeadLetters/g, namesOnly: true },
  { word: 'courier', instead: 'delivery worker' },
  { word: 'shelf', instead: 'data-key store' },
  { word: 'vault', instead: 'sealer', within: /^packages\/(store|core)\/src\// },
  { word: 'spelling', instead: 'dialect', within: stores },
  { word: 'guestly', instead: 'guest endpoints' },
  { word: 'frame', instead: 'command runner', within: /^packages\/(cli|runtime)\//, namesOnly: true },
  { word: 'traffic', instead: 'in-flight counter', within: core, namesOnly: true },
  { word: 'findings', instead: 'invariant report', within: /^tools\/crash-tests\//, namesOnly: true },
  { word: 'meeting', instead: 'scripted answer', namesOnly: true },
  { word: 'meetings', instead: 'scripted answers', namesOnly: true },
  { word: 'passing', instead: 'advanceUntil', within: /^packages\/[a-z]+\/test\//, namesOnly: true },
  { word: 'spawned', instead: 'spawnCli', namesOnly: true },
  { word: 'ran', instead: 'result', namesOnly: true },
  { word: 'parked', instead: 'dead-lettered', within: core, namesOnly: true },
  { word: 'obtain', instead: 'request tokens', within: core, namesOnly: true },
  { word: 'turns', instead: 'keyed lease lock', within: guests, namesOnly: true },
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
