const UUID =
  /^([0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|0{8}(-0{4}){3}-0{12}|f{8}(-f{4}){3}-f{12})$/i

/**
 * Whether a text has the shape of a UUID (RFC 9562): versions 1 to 8 with their variant, and the two special
 * values.
 */
export const isUuid = (text: string): boolean => UUID.test(text)
