import { type Cause, causes } from '@guestpass/core/runtime-kit'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Config, explanationDocument, readConfig } from '../src/index.ts'

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

const document = (cause: Cause) =>
  explanationDocument(
    { guestId: 'g', api: 'guest-tokens', subject: 's', at: 0, cause, ...causes[cause], what: 'What.', records: [] },
    config,
  )

describe('the document of an explanation', () => {
  it('names the variable that decides, with its value', () => {
    expect(document('rate_limited')).toMatchObject({
      setting: { name: 'GENESYS_RATE_LIMIT', value: 60 },
      prevention: 'Set GENESYS_RATE_LIMIT to what the upstream allows, and spread the load.',
    })
    expect(document('deadline_exceeded').setting?.name).toBe('GUESTPASS_PATIENCE_SECONDS')
  })

  it.each(Object.keys(causes) as Cause[])('of %s names no option of the core library', (cause) => {
    const { why, rule, prevention, setting } = document(cause)
    expect([why, rule, prevention].join(' ')).not.toMatch(/`\w+\.\w+`|`\w+Ms`|`publicKey`|`crmUrl`/)
    expect(setting?.name ?? '').not.toMatch(/^[a-z]+(\.\w+|Ms)$|^[a-z]+[A-Z]|^windows$/)
  })

  it('says of what no variable sets that it is not configurable', () => {
    expect(document('unused').setting).toMatchObject({ value: '24 h', configurable: false })
    expect(document('rate_limited').setting).not.toHaveProperty('configurable')
  })
})
