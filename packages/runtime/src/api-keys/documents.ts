import { iso } from '@guestpass/core/runtime-kit'
import type { ShownToken } from '../documents.ts'
import type { ApiKeyView, CreatedApiKey } from './api-key.ts'
import type { ConfiguredKey } from './configured-keys.ts'

/** Makes the JSON of an API key without the key itself, for a route or `--json`. Times are ISO 8601 in UTC. */
export const apiKeyDocument = ({ id, name, roles, group, owner, perMinute, createdBy, ...times }: ApiKeyView) => ({
  id,
  name,
  roles,
  ...(group === undefined ? {} : { group }),
  owner,
  configured: false,
  ...(perMinute === undefined ? {} : { perMinute }),
  createdAt: iso(times.createdAt),
  createdBy,
  ...(times.expiresAt === undefined ? {} : { expiresAt: iso(times.expiresAt) }),
  ...(times.usedAt === undefined ? {} : { usedAt: iso(times.usedAt) }),
})

/** Makes the JSON of an API key that was just made, for a route or `--json`: the only one with the key. */
export const createdApiKeyDocument = ({ view, key }: CreatedApiKey, shown: ShownToken) => ({
  ...apiKeyDocument(view),
  key: shown(key),
})

/** Makes the JSON of an API key of the configuration, for a route or `--json`: only the configuration ends it. */
export const configuredKeyDocument = ({ id, name, roles, group, owner }: Omit<ConfiguredKey, 'digest'>) => ({
  id,
  name,
  roles,
  ...(group === undefined ? {} : { group }),
  owner,
  configured: true,
})
