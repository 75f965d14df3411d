import { createTheme, type MantineColorsTuple, Modal, Notification } from "@mantine/core";

const steel: MantineColorsTuple = [
  "#eaf4ff",
  "#cfe4fb",
  "#a5cbf4",
  "#7ab1ec",
  "#5a9de6",
  "#4590e2",
  "#3888df",
  "#2a75c6",
  "#1f67b2",
  "#0a589d",
];

const dark: MantineColorsTuple = [
  "#dfe7ee",
  "#b4c0cb",
  "#8e9cab",
  "#5f6e7d",
  "#364351",
  "#26313c",
  "#1a232c",
  "#121920",
  "#0d1217",
  "#080b0f",
];

export const theme = createTheme({
  fontFamily: '"Inter Variable", system-ui, sans-serif',
  primaryColor: "steel",
  primaryShade: { light: 7, dark: 8 },
  autoContrast: true,
  luminanceThreshold: 0.35,
  colors: { steel, dark },
  defaultRadius: "sm",
  respectReducedMotion: true,
  cursorType: "pointer",
  components: {
    Modal: Modal.extend({ defaultProps: { closeButtonProps: { "aria-label": "Close" } } }),
    Notification: Notification.extend({ defaultProps: { closeButtonProps: { "aria-label": "Close" } } }),
  },
});
