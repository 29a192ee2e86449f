import type { Json } from '../../domain/json.ts'
import type { CrmProfile } from '../../upstream/crm/wire.ts'
import { jsonBytes, MAX_ATTRIBUTE_BYTES } from '../../domain/guest-attributes.ts'

type Attributes = Readonly<Record<string, Json>>

/**
 * Merges the attributes to send upstream: those of the request, with consent and what the CRM knows. An
 * attribute that would take them over 2048 bytes as JSON is left out and named in `dropped`, the CRM's first.
 * Those of the request always stay.
 */
export function mergedAttributes(of: {
  readonly attributes: Attributes
  readonly crm?: CrmProfile | undefined
  readonly consentTimestamp?: string | undefined
}): { readonly attributes: Attributes; readonly dropped: readonly string[] } {
  const { attributes, crm = {}, consentTimestamp } = of
  const added: readonly (readonly [string, Json])[] = [
    ...(consentTimestamp === undefined ? [] : [['consentTimestamp', consentTimestamp] as const]),
    ['authMethod', 'guest-api'],
    ['sessionVersion', '1.0'],
    ...(['customerId', 'tier', 'lastInteraction'] as const).flatMap((name) => {
      const value = crm[name]
      return value === undefined ? [] : [[name, value] as const]
    }),
  ]
  const dropped: string[] = []
  let merged = attributes
  for (const [name, value] of added) {
    const next = { ...merged, [name]: value }
    if (jsonBytes(next) <= MAX_ATTRIBUTE_BYTES) merged = next
    else dropped.push(name)
  }
  return { attributes: merged, dropped }
}
