import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { closestName } from '@guestpass/core/runtime-kit'
import { configurationPage } from '../../src/config/page.ts'
import { camelCase, settingEntries, flagName, keyOfFileName, keyOfVariable } from '../../src/config/settings.ts'

describe('the table of settings', () => {
  it.each(
    (
      'GENESYS_ENV GENESYS_REGION GENESYS_OAUTH_BASE_URL GENESYS_API_BASE_URL GENESYS_CLIENT_ID GENESYS_CLIENT_SECRET ' +
      'GENESYS_OAUTH_CLIENT_ID GENESYS_OAUTH_CLIENT_SECRET GENESYS_SCOPES GENESYS_REDIRECT_URI GENESYS_REFRESH_TOKEN GENESYS_PUBLIC_KEY ' +
      'GENESYS_JWKS_URL GENESYS_DEPLOYMENT_ID IDM_WEBHOOK_URL IDP_WEBHOOK_URL CRM_BASE_URL ANALYTICS_WEBHOOK_URL WEBHOOK_SECRET ' +
      'GUESTPASS_DATABASE_URL GUESTPASS_ENCRYPTION_KEY GUESTPASS_API_KEYS'
    ).split(' '),
  )('knows %s, in the file too', (name) => {
    expect(keyOfVariable(name)).toBeDefined()
    expect(keyOfFileName(name)).toBe(keyOfVariable(name))
    expect(keyOfFileName(camelCase(name))).toBe(keyOfVariable(name))
  })

  it('has no name twice, and keys that follow from the names', () => {
    const names = settingEntries.flatMap(([, setting]) => setting.names)
    expect(new Set(names).size).toBe(names.length)
    for (const [key, setting] of settingEntries) expect(camelCase(setting.names[0])).toBe(key)
  })

  it('gives every setting a flag that is no secret', () => {
    expect(flagName('oauthBaseUrl')).toBe('--oauth-base-url')
    expect(flagName('databaseUrl')).toBe('--database')
    for (const key of ['clientSecret', 'refreshToken', 'webhookSecret', 'encryptionKey', 'apiKeys'] as const)
      expect(flagName(key)).toBeUndefined()
  })

  it('has defaults that its own kinds accept', () => {
    for (const [, { fallback, kind }] of settingEntries)
      if (fallback !== undefined) expect(kind.safeParse(fallback).success).toBe(true)
  })

  it('is what docs/configuration.md shows; guestpass config --markdown writes it', () => {
    const page = readFileSync(new URL('../../../../docs/configuration.md', import.meta.url), 'utf8')
    expect(page).toBe(configurationPage())
  })
})

describe('the nearest name', () => {
  it('is a known one that a slip away would be', () => {
    expect(closestName('GENESYS_CLIENTID', ['GENESYS_CLIENT_ID', 'GENESYS_CLIENT_SECRET'])).toBe('GENESYS_CLIENT_ID')
    expect(closestName('Region', ['env', 'region'])).toBe('region')
    expect(closestName('csv', ['ndjson', 'ocsf'])).toBeUndefined()
    expect(closestName('xyzzy', ['env', 'region'])).toBeUndefined()
    expect(closestName('csv', ['ndjson', 'ocsf'])).toBeUndefined()
    expect(closestName('xyzzy', [])).toBeUndefined()
  })
})
