import { beforeAll, describe, expect, it } from 'vitest'
import { typeFaults } from './compiled-programs.ts'

/** A program that the compiler must refuse. `HERE` in its code is replaced by `wrong`, then by `right`. */
interface RefusedProgram {
  readonly title: string
  readonly code: string
  readonly wrong: string
  readonly right: string
  /** The error of the compiler, in the line of `HERE`. */
  readonly error: number
}

const CORE = "import { Secret } from '@guestpass/core'\n"
const TYPES = "import type { Connection, Event, GuestRequest, Guests, Store, Verdict } from '@guestpass/core'\n"
const STORE_KIT = "import type { AccessCredential, Credential, GuestCredential } from '@guestpass/core/store-kit'\n"

const NOT_ASSIGNABLE = 2322
const WRONG_ARGUMENT = 2345
const NO_PROPERTY = 2339
const UNKNOWN_OPTION = 2353
/** With a suggestion. */
const MISSPELT_OPTION = 2561
const MISSPELT_VALUE = 2820

const programs: readonly RefusedProgram[] = [
  {
    title: 'a secret is no text',
    code: `${CORE}const secret = new Secret('x')\nexport const text: string = HERE\n`,
    wrong: 'secret',
    right: 'secret.reveal()',
    error: NOT_ASSIGNABLE,
  },
  {
    title: 'a secret is joined to no text by mistake',
    code: `${CORE}const header = (token: string) => ({ authorization: 'Bearer ' + token })\nexport const headers = header(HERE)\n`,
    wrong: "new Secret('x')",
    right: "new Secret('x').reveal()",
    error: WRONG_ARGUMENT,
  },
  {
    title: 'a text is no secret',
    code: `${CORE}export const client: { id: string; secret: Secret } = { id: 'web', secret: HERE }\n`,
    wrong: "'x'",
    right: "new Secret('x')",
    error: NOT_ASSIGNABLE,
  },
  {
    title: 'an option that does not exist',
    code: `import { webhookReceiver, Secret } from '@guestpass/core'\nexport const receiver = webhookReceiver({ HERE })\n`,
    wrong: "secrets: [new Secret('x')], ttl: 1",
    right: "secrets: [new Secret('x')], toleranceMs: 1",
    error: UNKNOWN_OPTION,
  },
  {
    title: 'an option of the front door with another spelling',
    code: "import { guestpass } from 'guestpass'\nexport const gp = guestpass({ HERE: 'web' })\n",
    wrong: 'clientID',
    right: 'clientId',
    error: MISSPELT_OPTION,
  },
  {
    title: 'a token that was not awaited',
    code: `${TYPES}export const text = async (here: Connection): Promise<string> => (HERE).token.reveal()\n`,
    wrong: 'here.accessTokens.token()',
    right: 'await here.accessTokens.token()',
    error: NO_PROPERTY,
  },
  {
    title: 'a connection that was not awaited',
    code: `import { connection } from '@guestpass/core'\ntype Parts = Parameters<typeof connection>\nexport const name = async (...parts: Parts): Promise<string> => (HERE).name\n`,
    wrong: 'connection(...parts)',
    right: 'await connection(...parts)',
    error: NO_PROPERTY,
  },
  {
    title: 'the claims of a token that may not be valid',
    code: `${TYPES}export const claims = (verdict: Verdict): unknown => HERE\n`,
    wrong: 'verdict.claims',
    right: 'verdict.valid && verdict.claims',
    error: NO_PROPERTY,
  },
  {
    title: 'the reason of a valid token',
    code: `${TYPES}export const reason = (verdict: Verdict): unknown => HERE\n`,
    wrong: 'verdict.valid && verdict.reason',
    right: 'verdict.valid || verdict.reason',
    error: NO_PROPERTY,
  },
  {
    title: 'a guest request with a field of another API',
    code: `${TYPES}export const request: GuestRequest = { api: 'engagements', email: 'a', consent: true, channelId: 'web', HERE }\n`,
    wrong: 'duration: 60',
    right: "name: 'Ann'",
    error: UNKNOWN_OPTION,
  },
  {
    title: 'a guest request without consent',
    code: `${TYPES}export const request: GuestRequest = { api: 'engagements', email: 'a', channelId: 'web', consent: HERE }\n`,
    wrong: 'false',
    right: 'true',
    error: NOT_ASSIGNABLE,
  },
  {
    title: 'an API that does not exist',
    code: `${TYPES}export const issued = (guests: Guests) => guests.issue({ api: HERE, scopes: ['webmessaging:guest:send'] })\n`,
    wrong: "'guest_tokens'",
    right: "'guest-tokens'",
    error: MISSPELT_VALUE,
  },
  {
    title: 'a guest token that is text',
    code: `${TYPES}export const token = async (guests: Guests): Promise<string> => HERE\n`,
    wrong: "(await guests.token('id')).token",
    right: "(await guests.token('id')).token.reveal()",
    error: NOT_ASSIGNABLE,
  },
  {
    title: 'the tokens of a credential that may have none',
    code: `${STORE_KIT}export const end = (credential: GuestCredential): number | undefined => HERE\n`,
    wrong: 'credential.tokens.expiresAt',
    right: 'credential.tokens?.expiresAt',
    error: 18048,
  },
  {
    title: 'the profile of a credential that may be no guest',
    code: `${STORE_KIT}export const profile = (credential: Credential): unknown => HERE\n`,
    wrong: 'credential.profile',
    right: "credential.kind === 'guest' && credential.profile",
    error: NO_PROPERTY,
  },
  {
    title: 'a credential that is changed in place',
    code: `${STORE_KIT}export const next = (credential: AccessCredential): AccessCredential => HERE\n`,
    wrong: '((credential.generation = 2), credential)',
    right: '({ ...credential, generation: 2 })',
    error: 2540,
  },
  {
    title: 'the data of another event',
    code: `${TYPES}export const missing = (event: Event): unknown => HERE\n`,
    wrong: "event.type === 'GRANT_REVOKED' && event.data.rotated",
    right: "event.type === 'GRANT_REVOKED' && event.data.upstream",
    error: NO_PROPERTY,
  },
  {
    title: 'an event with the outcome of another',
    code: `${TYPES}type Revoked = Extract<Event, { type: 'GRANT_REVOKED' }>\nexport const outcome: Revoked['outcome'] = HERE\n`,
    wrong: "'failure'",
    right: "'success'",
    error: NOT_ASSIGNABLE,
  },
  {
    title: 'a type of event that does not exist',
    code: `${TYPES}export const isNew = (event: Event): boolean => event.type === HERE\n`,
    wrong: "'TOKEN_GENERATED'",
    right: "'TOKEN_GENERATED_SUCCESS'",
    error: 2367,
  },
  {
    title: 'a store that lacks a part',
    code: `${TYPES}export const store = (whole: Store): Store => HERE\n`,
    wrong: '({ commit: whole.commit })',
    right: '({ ...whole })',
    error: 2740,
  },
  {
    title: 'a time that is a Date',
    code: "import { fakeClock } from '@guestpass/core/testing'\nexport const clock = fakeClock(HERE)\n",
    wrong: 'new Date(0)',
    right: 'new Date(0).getTime()',
    error: WRONG_ARGUMENT,
  },
  {
    title: 'a code of an error that does not exist',
    code: "import type { GuestpassError } from '@guestpass/core'\nexport const isBusy = (error: GuestpassError): boolean => error.code === HERE\n",
    wrong: "'upstream_is_busy'",
    right: "'upstream_busy'",
    error: 2367,
  },
]

const nameOf = (kind: 'wrong' | 'right', at: number): string => `${kind}-${at}`

describe('the compiler refuses', () => {
  let faults: readonly string[] = []
  const faultsIn = (name: string): readonly string[] => faults.filter((line) => line.startsWith(`${name}.ts(`))
  beforeAll(async () => {
    const files = programs.flatMap(({ code, wrong, right }, at) => [
      [nameOf('wrong', at), code.replace('HERE', wrong)] as const,
      [nameOf('right', at), code.replace('HERE', right)] as const,
    ])
    faults = (await typeFaults(new Map(files))).split('\n').filter((line) => !line.startsWith(' '))
  })

  it.each(programs.map((program, at) => [program.title, program, at] as const))(
    '%s, and takes the corrected program',
    (_title, { code, error }, at) => {
      const line = code.slice(0, code.indexOf('HERE')).split('\n').length
      expect(faultsIn(nameOf('right', at))).toEqual([])
      const place = new RegExp(`^${nameOf('wrong', at)}\\.ts\\(${line},\\d+\\): error TS${error}:`)
      expect(faultsIn(nameOf('wrong', at))).toEqual([expect.stringMatching(place)])
    },
  )
})
