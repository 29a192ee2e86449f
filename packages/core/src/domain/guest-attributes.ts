/** The most bytes that the attributes of a guest may have, as JSON in UTF-8. */
export const MAX_ATTRIBUTE_BYTES = 2_048

/**
 * Names of guest attributes that the library sets itself, from the CRM, the consent and the authentication. A
 * request that uses one of them is refused with `invalid_input`.
 */
export const reservedAttributes: readonly string[] = [
  'customerId',
  'tier',
  'lastInteraction',
  'consentTimestamp',
  'authMethod',
  'sessionVersion',
]

const utf8 = new TextEncoder()

/** How many bytes a value has as JSON in UTF-8. */
export const jsonBytes = (value: unknown): number => utf8.encode(JSON.stringify(value)).length
