import {
  type DefaultProps,
  Layer,
  type LayerProps,
  picking,
  project32,
  type UpdateParameters,
} from "@deck.gl/core";
import { Geometry, Model } from "@luma.gl/engine";
import { rgb, SEVERITY_COLOUR, STATE_COLOUR } from "../theme/palette";
import { type FleetUniforms, fleetUniforms, fragmentShader, vertexShader } from "./vehicleShader";

/** Columns as the graphics card reads them; `length` rows of each. */
export interface VehicleColumns {
  readonly length: number;
  readonly attributes: {
    readonly instanceFrom: { readonly value: Float32Array; readonly size: 2 };
    readonly instanceTo: { readonly value: Float32Array; readonly size: 2 };
    readonly instanceHeadings: { readonly value: Float32Array; readonly size: 2 };
    readonly instanceSizes: { readonly value: Float32Array; readonly size: 2 };
    readonly instanceStyles: { readonly value: Float32Array; readonly size: 4 };
  };
}

interface VehicleShapeLayerOwnProps {
  data: VehicleColumns;
  /** How far the glide of this tick is, 0 to 1. */
  progress: number;
  symbolPixels: number;
}

export type VehicleShapeLayerProps = VehicleShapeLayerOwnProps & LayerProps;

const opaque = (hex: string): [number, number, number, number] => [...rgb(hex), 1];

const colours = {
  normalColor: opaque(STATE_COLOUR.NORMAL),
  degradedColor: opaque(STATE_COLOUR.DEGRADED),
  alertingColor: opaque(STATE_COLOUR.ALERTING),
  interventionColor: opaque(STATE_COLOUR.UNDER_INTERVENTION),
  infoColor: opaque(SEVERITY_COLOUR.INFO),
  warningColor: opaque(SEVERITY_COLOUR.WARNING),
  criticalColor: opaque(SEVERITY_COLOUR.CRITICAL),
  paperColor: opaque("#0B1015"),
} satisfies Partial<FleetUniforms>;

/**
 * The whole fleet in one draw call: footprints to scale when near, shapes by state when far, rings by
 * severity. Ticks replace the columns; the frames between them only change `progress`.
 */
export class VehicleShapeLayer extends Layer<VehicleShapeLayerOwnProps> {
  static override layerName = "VehicleShapeLayer";
  static override defaultProps: DefaultProps<VehicleShapeLayerOwnProps> = {
    progress: { type: "number", value: 1 },
    symbolPixels: { type: "number", value: 9 },
  };

  declare state: { model?: Model };

  override getShaders(): ReturnType<Layer["getShaders"]> {
    return super.getShaders({
      vs: vertexShader,
      fs: fragmentShader,
      modules: [project32, picking, fleetUniforms],
    });
  }

  override initializeState(): void {
    const column = (size: number) => ({ size, type: "float32" as const, noAlloc: true });
    this.getAttributeManager()?.addInstanced({
      instanceFrom: column(2),
      instanceTo: column(2),
      instanceHeadings: column(2),
      instanceSizes: column(2),
      instanceStyles: column(4),
    });
  }

  override updateState(params: UpdateParameters<this>): void {
    super.updateState(params);
    if (params.changeFlags.extensionsChanged || this.state.model === undefined) {
      this.state.model?.destroy();
      this.state.model = this.createModel();
      this.getAttributeManager()?.invalidateAll();
    }
  }

  override draw(): void {
    const { progress, symbolPixels } = this.props;
    this.state.model?.shaderInputs.setProps({ fleet: { ...colours, progress, symbolPixels } });
    this.state.model?.draw(this.context.renderPass);
  }

  private createModel(): Model {
    return new Model(this.context.device, {
      ...this.getShaders(),
      id: this.props.id,
      bufferLayout: this.getAttributeManager()?.getBufferLayouts() ?? [],
      geometry: new Geometry({
        topology: "triangle-strip",
        attributes: {
          positions: { size: 3, value: new Float32Array([-1, -1, 0, 1, -1, 0, -1, 1, 0, 1, 1, 0]) },
        },
      }),
      isInstanced: true,
    });
  }
}
