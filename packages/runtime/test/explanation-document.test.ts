import { readFile } from 'node:fs/promises'
import { type Cause, causes, type Explanation } from '@guestpass/core/runtime-kit'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type Config,
  explanationDocument,
  optionName,
  programNames,
  readConfig,
  namedExplanation,
} from '../src/index.ts'

const files = { read: async () => undefined, load: async () => undefined }
let config: Config
beforeAll(async () => {
  const env = {
    GENESYS_REGION: 'mypurecloud.ie',
    GENESYS_CLIENT_ID: 'c',
    GENESYS_CLIENT_SECRET: 'test-secret-c',
    GENESYS_RATE_LIMIT: '60',
  }
  config = await readConfig({ env, cwd: '/site', files })
})

const explanation = (cause: Cause): Explanation => ({
  guestId: 'g',
  api: 'guest-tokens',
  subject: 's',
  at: 0,
  cause,
  ...causes[cause],
  what: 'What.',
  records: [],
})

const document = (cause: Cause) => explanationDocument(explanation(cause), config)

/** As a program reads it that gives its settings as options. */
const inProgram = (cause: Cause) =>
  namedExplanation(
    explanation(cause),
    config,
    programNames((key) => `\`${optionName(key) ?? key}\``),
  )

const allCauses = Object.keys(causes) as Cause[]
/** Options of the core library, and of its keeper. */
const CORE_NAMES = /`\w+\.\w+`|`\w+Ms`|keeper\(\)|(policy|hosts|client)\.\w|crmUrl|windows\b/

describe('the document of an explanation', () => {
  it('names the variable that decides, with its value', () => {
    expect(document('rate_limited')).toMatchObject({
      setting: { name: 'GENESYS_RATE_LIMIT', value: 60 },
      prevention: 'Set GENESYS_RATE_LIMIT to what the upstream allows, and spread the load.',
    })
    expect(document('deadline_exceeded').setting?.name).toBe('GUESTPASS_PATIENCE_SECONDS')
  })

  it.each(allCauses)('of %s names no option of the core library, in a command and in a program', (cause) => {
    for (const { why, rule, prevention, setting } of [document(cause), inProgram(cause)]) {
      expect([why, rule, prevention].join(' ')).not.toMatch(CORE_NAMES)
      if (setting?.configurable === false) expect(setting.name).toMatch(/^[a-z]+( [a-z]+)+/)
    }
    const { prevention, setting } = document(cause)
    // The claim `sub` has that name in a token.
    expect(prevention.replaceAll('`sub`', '')).not.toMatch(/`(?!guestpass )[^`]*`/)
    if (setting && setting.configurable !== false) expect(setting.name).toMatch(/^[A-Z_]+$/)
  })

  it('names the setting of duplicates only if it decided, and not the request', async () => {
    expect(document('reused').setting).toBeUndefined()
    const reusing = { ...config, settings: { ...config.settings, duplicates: 'reuse' as const } }
    expect(explanationDocument(explanation('reused'), reusing).setting).toEqual({
      name: 'GENESYS_DUPLICATES',
      value: 'reuse',
    })
    expect(explanationDocument(explanation('replaced'), reusing).setting).toBeUndefined()
    expect(document('session_exists').setting).toEqual({ name: 'GENESYS_DUPLICATES', value: 'reject' })
  })

  it('names options in a program, and flags in a command', () => {
    expect(inProgram('rate_limited')).toMatchObject({
      setting: { name: '`rateLimit`', value: 60 },
      prevention: 'Set `rateLimit` to what the upstream allows, and spread the load.',
    })
    expect(inProgram('replaced').prevention).toContain("`onDuplicate: 'reuse'`")
    expect(document('replaced').prevention).toContain('with --on-duplicate reuse')
    expect(inProgram('keeper_not_running').prevention).toContain('`start()`')
    expect(document('keeper_not_running').prevention).toContain('`guestpass keep`')
    expect(
      explanationDocument(explanation('keeper_not_running'), { ...config, connection: 'emea' }).prevention,
    ).toContain('`guestpass keep --connection emea`')
  })

  it('has a row of the page for every cause, with its sentences', async () => {
    const page = await readFile(new URL('../../../docs/why.md', import.meta.url), 'utf8')
    const rows = page.split('\n').filter((line) => line.startsWith('| `') && line.split(' | ').length === 4)
    expect(rows).toEqual(
      allCauses.map((cause) => {
        const { happened, why, prevention } = document(cause)
        return `| \`${cause}\` | ${happened.replaceAll('_', ' ')} | ${why} | ${prevention} |`
      }),
    )
  })

  it('says of what no variable sets that it is fixed', () => {
    expect(document('unused').setting).toMatchObject({ value: '24 h', configurable: false })
    expect(document('rate_limited').setting).not.toHaveProperty('configurable')
  })
})
