/** The most bytes that the attributes of a guest may have, as JSON in UTF-8. */
export const MAX_ATTRIBUTE_BYTES = 2_048

/**
 * Names of attributes that the CRM and the consent fill. Requests may not use them, so that none can pretend
 * to be these.
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
