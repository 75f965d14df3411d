const uniformBlock = `\
layout(std140) uniform fleetUniforms {
  float progress;
  float symbolPixels;
  vec4 normalColor;
  vec4 degradedColor;
  vec4 alertingColor;
  vec4 interventionColor;
  vec4 infoColor;
  vec4 warningColor;
  vec4 criticalColor;
  vec4 paperColor;
} fleet;
`;

type Vec4 = readonly [number, number, number, number];

/** What is the same for all vehicles of a frame. Colours are fractions of 1. */
export interface FleetUniforms {
  /** How far the glide of this tick is, 0 to 1. */
  progress: number;
  /** Radius of a vehicle's shape when its footprint would be too small to see, px. */
  symbolPixels: number;
  normalColor: Vec4;
  degradedColor: Vec4;
  alertingColor: Vec4;
  interventionColor: Vec4;
  infoColor: Vec4;
  warningColor: Vec4;
  criticalColor: Vec4;
  /** What marks inside a shape are drawn in. */
  paperColor: Vec4;
}

export const fleetUniforms = {
  name: "fleet",
  vs: uniformBlock,
  fs: uniformBlock,
  uniformTypes: {
    progress: "f32",
    symbolPixels: "f32",
    normalColor: "vec4<f32>",
    degradedColor: "vec4<f32>",
    alertingColor: "vec4<f32>",
    interventionColor: "vec4<f32>",
    infoColor: "vec4<f32>",
    warningColor: "vec4<f32>",
    criticalColor: "vec4<f32>",
    paperColor: "vec4<f32>",
  },
} as const;

/**
 * Places one square per vehicle, large enough for its footprint, its symbol and its ring.
 * `instanceStyles`: state 0-3, severity 0-3 (0 = no alert), flags, opacity.
 */
export const vertexShader = `#version 300 es
#define SHADER_NAME fleet-vertex

in vec3 positions;
in vec2 instanceFrom;
in vec2 instanceTo;
in vec2 instanceHeadings;
in vec2 instanceSizes;
in vec4 instanceStyles;

out vec2 vPixel;
out vec2 vHalfSize;
out float vNear;
flat out vec4 vStyle;
flat out vec2 vAhead;

void main(void) {
  vec2 place = mix(instanceFrom, instanceTo, fleet.progress);
  float heading = mix(instanceHeadings.x, instanceHeadings.y, fleet.progress);
  vec3 world = vec3(place, 0.0);
  geometry.worldPosition = world;

  vHalfSize = 0.5 * vec2(project_size_to_pixel(instanceSizes.x), project_size_to_pixel(instanceSizes.y));
  // By its width: a thin, long box is no footprint that anybody could read.
  vNear = smoothstep(6.5, 10.0, 2.0 * vHalfSize.y);
  vStyle = instanceStyles;
  vAhead = vec2(cos(heading), sin(heading));

  // No larger than what is drawn in it: most vehicles have neither a ring nor the selection.
  float bare = max(fleet.symbolPixels * 1.4, vNear * length(vHalfSize));
  float reach = bare + (instanceStyles.y > 0.0 || instanceStyles.z >= 2.0 ? 14.0 : 2.0);
  vPixel = positions.xy * reach;
  geometry.uv = positions.xy;
  geometry.pickingColor = picking_getPickingColorFromInstanceID();

  gl_Position = project_position_to_clipspace(world, vec3(0.0), vec3(0.0), geometry.position);
  DECKGL_FILTER_GL_POSITION(gl_Position, geometry);
  gl_Position.xy += project_pixel_size_to_clipspace(vPixel);
  // Faint ones are not worth a click.
  if (instanceStyles.w <= 0.0) {
    gl_Position = vec4(0.0);
  }
}
`;

/** Draws shapes from signed distances, so that they are sharp at any zoom and pixel ratio. */
export const fragmentShader = `#version 300 es
#define SHADER_NAME fleet-fragment

precision highp float;

in vec2 vPixel;
in vec2 vHalfSize;
in float vNear;
flat in vec4 vStyle;
flat in vec2 vAhead;

out vec4 fragColor;

float cover(float distance) {
  return clamp(0.5 - distance, 0.0, 1.0);
}

// After Inigo Quilez, "2D distance functions" (MIT).
float chevron(vec2 p, float r) {
  vec2 corners[4] = vec2[4](vec2(1.15, 0.0), vec2(-0.85, 0.82), vec2(-0.42, 0.0), vec2(-0.85, -0.82));
  float d = dot(p - corners[0] * r, p - corners[0] * r);
  float side = 1.0;
  for (int i = 0, j = 3; i < 4; j = i, i++) {
    vec2 e = (corners[j] - corners[i]) * r;
    vec2 w = p - corners[i] * r;
    vec2 b = w - e * clamp(dot(w, e) / dot(e, e), 0.0, 1.0);
    d = min(d, dot(b, b));
    bvec3 c = bvec3(p.y >= corners[i].y * r, p.y < corners[j].y * r, e.x * w.y > e.y * w.x);
    if (all(c) || all(not(c))) side *= -1.0;
  }
  return side * sqrt(d);
}

float diamond(vec2 p, float r) {
  return (abs(p.x) + abs(p.y) - r) * 0.7071;
}

float octagon(vec2 p, float r) {
  vec2 q = abs(p);
  return max(max(q.x, q.y), (q.x + q.y) * 0.7071) - r;
}

float box(vec2 p, vec2 halfSize, float corner) {
  vec2 q = abs(p) - halfSize + corner;
  return length(max(q, 0.0)) + min(max(q.x, q.y), 0.0) - corner;
}

float symbol(int state, vec2 screen, vec2 own, float r) {
  if (state == 0) return chevron(own, r);
  if (state == 1) return length(screen) - r;
  if (state == 2) return diamond(screen, r * 1.32);
  return octagon(screen, r);
}

void main(void) {
  geometry.uv = vPixel;
  int state = int(vStyle.x + 0.5);
  int severity = int(vStyle.y + 0.5);
  int flags = int(vStyle.z + 0.5);
  bool stale = (flags & 1) != 0;
  bool selected = (flags & 2) != 0;
  bool attended = (flags & 4) != 0;
  float opacity = vStyle.w;

  vec3 colour = state == 0 ? fleet.normalColor.rgb
    : state == 1 ? fleet.degradedColor.rgb
    : state == 2 ? fleet.alertingColor.rgb
    : fleet.interventionColor.rgb;
  vec3 ringColour = severity == 3 ? fleet.criticalColor.rgb
    : severity == 2 ? fleet.warningColor.rgb
    : fleet.infoColor.rgb;
  vec3 paper = fleet.paperColor.rgb;

  // The vehicle's own frame: x ahead, y to its left.
  vec2 own = vec2(dot(vPixel, vAhead), dot(vPixel, vec2(-vAhead.y, vAhead.x)));
  float r = fleet.symbolPixels * (state == 0 ? 0.86 : 1.0) * (stale ? 0.75 : 1.0);

  // Premultiplied: each layer is put over the ones before it.
  vec4 ink = vec4(0.0);
  #define OVER(c, a) ink = vec4((c) * (a), (a)) + ink * (1.0 - (a))

  // Near: the footprint to scale, its front marked.
  if (vNear > 0.0) {
    float corner = min(vHalfSize.x, vHalfSize.y) * 0.35;
    float body = box(own, vHalfSize, corner);
    OVER(paper, cover(body - 1.5) * 0.75 * vNear);
    OVER(colour, cover(body) * (stale ? 0.12 : 0.42) * vNear);
    OVER(colour, cover(abs(body + 0.75) - 0.9) * vNear);
    float front = box(own - vec2(vHalfSize.x * 0.62, 0.0), vec2(vHalfSize.x * 0.1, vHalfSize.y * 0.62), 0.5);
    OVER(colour, cover(front) * vNear * (stale ? 0.3 : 1.0));
  }

  // Far: the shape that says the state. Near, all but NORMAL keep it, smaller, on the footprint.
  float presence = state == 0 ? 1.0 - vNear : 1.0;
  float size = mix(r, min(r, max(5.0, vHalfSize.y * 0.8)), vNear);
  float shape = symbol(state, vPixel, own, size);
  OVER(paper, cover(shape - 1.5) * 0.85 * presence);
  if (stale) {
    OVER(colour, cover(abs(shape + 0.8) - 0.8) * presence);
  } else {
    OVER(colour, cover(shape) * presence);
    if (state != 0) {
      OVER(paper, cover(chevron(own, size * 0.52)) * presence * (state == 3 ? 0.0 : 1.0));
      OVER(vec3(1.0), cover(chevron(own, size * 0.52)) * presence * (state == 3 ? 1.0 : 0.0));
    }
  }

  // A ring says that alerts are live, and how severe: double and thick until somebody has seen them.
  float outline = mix(length(vPixel) - (size * 1.32 + 4.0), box(own, vHalfSize + 5.0, 6.0), vNear);
  if (severity > 0) {
    float weight = severity == 3 ? 1.3 : severity == 2 ? 0.9 : 0.6;
    float strength = (attended ? 0.55 : severity == 1 ? 0.7 : 1.0) * (stale ? 0.6 : 1.0);
    OVER(ringColour, cover(abs(outline) - (attended ? 0.5 : weight)) * strength);
    if (severity == 3 && !attended) {
      OVER(ringColour, cover(abs(outline - 4.0) - 0.7) * 0.8);
    }
  }
  if (selected) {
    float around = outline - (severity > 0 ? 8.0 : 3.0);
    OVER(vec3(1.0), cover(abs(around) - 1.0) * 0.95);
  }

  float alpha = ink.a * opacity;
  if (alpha < 0.02) discard;
  fragColor = vec4(ink.rgb / max(ink.a, 0.001), alpha);
  DECKGL_FILTER_COLOR(fragColor, geometry);
}
`;
